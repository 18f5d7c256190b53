package compose_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

func ls(tb testing.TB, dir string) []os.DirEntry {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return entries
}

// endless begins like a list, and then says the same for ever.
type endless struct {
	start, again string
	read         int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.start == "" {
		e.start = e.again
	}
	n := copy(b, e.start)
	e.start = e.start[n:]
	e.read += n
	return n, nil
}

func TestARowWithoutEndIsNotKept(t *testing.T) {
	t.Parallel()
	for _, list := range []*endless{
		{start: "userid,name\na,\"", again: "b,c\n"},
		{start: "userid,name\n", again: "x"},
		{start: "userid,name\n", again: ","},
		{start: "", again: "\n"},
		{start: "", again: "\""},
		{start: "\xFF\xFE", again: "x\x00"},
		{start: "userid,name\na,\"", again: "\xD0\xEC\n"},
	} {
		_, err := compose.Compile(t.Context(), list, text(t, "{{.name}}"), compose.Options{SkipInvalid: true})
		if !strings.Contains(errorText(err), "has more than 262144 bytes; is a quote not closed?") {
			t.Errorf("%q: got %v", list.again, err)
		}
		if list.read > 2<<20 {
			t.Errorf("%q: %d bytes were read", list.again, list.read)
		}
	}
}

func TestTheFirstProblemsAreTold(t *testing.T) {
	t.Parallel()
	list := "userid\n" + strings.Repeat("a\n|\n", 25)
	for _, skip := range []bool{false, true} {
		compiled, err := compose.Compile(t.Context(), strings.NewReader(list), text(t, "x"), compose.Options{SkipInvalid: skip})
		var invalid int
		var problems []compose.Problem
		if refused, ok := errors.AsType[*compose.ListError](err); ok && !skip {
			invalid, problems = refused.Invalid, refused.Problems
		} else if err == nil && skip {
			invalid, problems = compiled.Summary.Invalid, compiled.Summary.Problems
		}
		if invalid != 25 || len(problems) != 20 || problems[19].Line != 41 || problems[19].Column != "userid" {
			t.Errorf("skip %t: %d invalid, problems %v, error %v", skip, invalid, problems, err)
		}
	}
}

func TestNobodyIsLeft(t *testing.T) {
	t.Parallel()
	_, err := compose.Compile(t.Context(), strings.NewReader("userid\n|\n"), text(t, "x"), compose.Options{SkipInvalid: true})
	if refused, ok := errors.AsType[*compose.ListError](err); !ok || refused.Invalid != 1 {
		t.Errorf("got %v", err)
	}
}

func TestCompileTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	var told []int
	list := "userid\n" + strings.Repeat("a\n", 2500)
	compile(t, strings.NewReader(list), text(t, "x"), compose.Options{Progress: func(rows int) { told = append(told, rows) }})
	if diff := cmp.Diff([]int{0, 1000, 2000, 2500}, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCompileEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	_, err := compose.Compile(ctx, &endless{start: "userid\n", again: "a\n"}, text(t, "x"), compose.Options{Progress: func(rows int) {
		if rows == 5000 {
			cancel(cause)
		}
	}})
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

// broken is a list whose connection breaks.
type broken struct{ io.Reader }

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("upload: %w", err)
	}
	return n, err
}

func TestAListThatBreaksOffIsNotTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"", "userid\na\n", "userid\na", "userid\n\"a", "\xFF\xFEa\x00", "userid\n" + strings.Repeat("a\n", 100000)} {
		_, err := compose.Compile(t.Context(), broken{strings.NewReader(list)}, text(t, "x"), compose.Options{})
		if err == nil || !strings.Contains(err.Error(), "upload: EOF") {
			t.Errorf("%.20q: got %v", list, err)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	digest := func(list, content string) [32]byte {
		return compile(t, strings.NewReader(list), text(t, content), compose.Options{}).Summary.Digest
	}
	one := digest("userid,n,x\na,1,\nb,2,\n", "Hi {{.n}}")
	if one != digest("x,userid,n\n,B,2\n9,a,1\n,A,3\n", "Hi {{.n}}") {
		t.Error("another order, a duplicate or a column that is not used makes another digest")
	}
	for _, other := range [][2]string{
		{"userid,n,x\na,1,\nb,3,\n", "Hi {{.n}}"},
		{"userid,n,x\na,1,\nc,2,\n", "Hi {{.n}}"},
		{"userid,n,x\na,1,\n", "Hi {{.n}}"},
		{"userid,n,x\na,1,\nb,2,\n", "Ho {{.n}}"},
	} {
		if one == digest(other[0], other[1]) {
			t.Errorf("%v has the same digest", other)
		}
	}
}

func TestSamplesAreTheFirstCalls(t *testing.T) {
	t.Parallel()
	compiled := compile(t, strings.NewReader("userid,n\na,1\nb,2\nc,3\nd,4\n"), text(t, "{{.n}}"), compose.Options{})
	got := make([]string, 0, 3)
	for _, sample := range compiled.Summary.Samples {
		got = append(got, sample.User+": "+strings.Join(sample.Columns, ","))
	}
	if diff := cmp.Diff(calls(t, compiled)[:3], got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnEncodingThatIsNotKnown(t *testing.T) {
	t.Parallel()
	_, err := compose.Compile(t.Context(), strings.NewReader("a"), text(t, "x"), compose.Options{Encoding: "latin1"})
	if want := `encoding: "latin1" is not known; want one of gb18030, gb2312, gbk, utf-16, utf-16be, utf-16le, utf-8, utf16, utf8`; errorText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func FuzzCompile(f *testing.F) {
	for _, list := range []string{
		"", "userid,name\na,徐\n", "a\nb\n", "\uFEFFuserid\tname\r\na\t\"x\n\"\"y\"\r\n", "\xFF\xFEa\x00\n\x00", "name,userid\n\xD0\xEC,a\nB,b\nx,A",
	} {
		f.Add([]byte(list), "", false)
		f.Add([]byte(list), "gbk", true)
	}
	own, same := text(f, "x{{.name}}"), text(f, "x")
	f.Fuzz(func(t *testing.T, list []byte, encoding string, skip bool) {
		for _, template := range []*compose.Template{own, same} {
			compiled, err := compose.Compile(t.Context(), strings.NewReader(string(list)), template, compose.Options{Encoding: encoding, SkipInvalid: skip})
			if err != nil {
				continue
			}
			checkBooks(t, compiled, template)
			if err := compiled.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// checkBooks wants every recipient in one call, and every call to be good.
func checkBooks(t *testing.T, compiled *compose.Compiled, template *compose.Template) {
	t.Helper()
	s := compiled.Summary
	seen := map[string]bool{}
	n := 0
	for call, err := range compiled.Calls() {
		if err == nil {
			_, err = template.Body(call)
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
		for _, user := range call.Users {
			seen[strings.ToLower(user)] = true
		}
	}
	if len(seen) != s.Recipients || n != s.Calls || s.Rows != s.Recipients+s.Duplicates+s.Invalid || s.Recipients == 0 {
		t.Errorf("%d users in %d calls: %+v", len(seen), n, s)
	}
}
