package compose_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
)

// text is the template of a text message.
func text(tb testing.TB, content string) *compose.Template {
	tb.Helper()
	template, err := compose.TextTemplate(message.TypeText, content)
	if err != nil {
		tb.Fatal(err)
	}
	return template
}

func compile(tb testing.TB, list io.Reader, template *compose.Template, o compose.Options) *compose.Compiled {
	tb.Helper()
	compiled, err := compose.Compile(tb.Context(), list, template, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := compiled.Close(); err != nil {
			tb.Error(err)
		}
	})
	return compiled
}

// calls are all calls, as "user,user: value,value".
func calls(tb testing.TB, compiled *compose.Compiled) []string {
	tb.Helper()
	var all []string
	for call, err := range compiled.Calls() {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, strings.Join(call.Users, ",")+": "+strings.Join(call.Columns, ","))
	}
	return all
}

func TestListsAsPeopleHaveThem(t *testing.T) {
	t.Parallel()
	gb := func(s string) string { return encoded(t, simplifiedchinese.GB18030, s) }
	excel := func(s string) string {
		return "\xFF\xFE" + encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), s)
	}
	tests := []struct {
		name, list string
		options    compose.Options
		content    string
		want       []string
		encoding   string // UTF-8 unless it says another
	}{
		{name: "a header", list: "userid,name\na,徐\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "a header in capitals, not in the first column", list: "name,UserID\n徐,a\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "a header without userid", list: "工号,name\na,徐\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "a header without userid, same words", list: "工号\na\n", content: "x", want: []string{"a: "}},
		{name: "a header that is often used", list: "User_ID,x\na,y\n", content: "x", want: []string{"a: "}},
		{name: "no header", list: "b\na\n", content: "x", want: []string{"a,b: "}},
		{name: "no header, though it looks like one", list: "userid\na\n", options: compose.Options{Header: compose.HeaderNo}, content: "x", want: []string{"a,userid: "}},
		{name: "a header that looks like none", list: "id\na\n", options: compose.Options{Header: compose.HeaderYes}, content: "x", want: []string{"a: "}},
		{name: "no header, with a column by its number", list: "a,徐\n", options: compose.Options{Header: compose.HeaderNo}, content: `{{index . "2"}}`, want: []string{"a: 徐"}},
		{name: "a byte order mark", list: "\uFEFFuserid,name\na,徐\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "GB18030", list: gb("userid,name\na,徐静\n"), content: "{{.name}}", want: []string{"a: 徐静"}, encoding: "gb18030"},
		{
			name: "GB18030 after a long start in ASCII", list: gb("userid,name\n" + strings.Repeat("a,x\n", 16400) + "b,徐静\n"),
			content: "{{.name}}", want: []string{"a: x", "b: 徐静"}, encoding: "gb18030",
		},
		{name: "GB18030 with a character of four bytes", list: gb("userid,name\na,徐\U00020000\n"), content: "{{.name}}", want: []string{"a: 徐\U00020000"}, encoding: "gb18030"},
		{name: "GBK that could be UTF-8", list: gb("userid,name\na,茅\n"), options: compose.Options{Encoding: "GBK"}, content: "{{.name}}", want: []string{"a: 茅"}, encoding: "gb18030"},
		{name: "what Excel calls Unicode text", list: excel("userid\tname\r\na\t\"徐\t静\"\r\n"), content: "{{.name}}", want: []string{"a: 徐\t静"}, encoding: "utf-16le"},
		{name: "UTF-16 without a mark", list: excel("userid,name\na,徐\n")[2:], options: compose.Options{Encoding: "utf-16le"}, content: "{{.name}}", want: []string{"a: 徐"}, encoding: "utf-16le"},
		{name: "semicolons", list: "userid;name\na;1,5\n", content: "{{.name}}", want: []string{"a: 1,5"}},
		{name: "CRLF and no line break at the end", list: "userid,name\r\na,徐\r\nb,静", content: "{{.name}}{{if eq .name `静`}}!{{end}}", want: []string{"a: 徐", "b: 静"}},
		{name: "line breaks in quotes", list: "userid,\"na\nme\"\na,\"徐\r\n静, \"\"x\"\"\"\n", content: "{{index . \"na\\nme\"}}", want: []string{"a: 徐\n静, \"x\""}},
		{name: "blank lines and blank rows", list: "\n\r\nuserid,name\n\n,\na,徐\n ,\t\n\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "blanks around userids and names", list: " userid , name \n a　,徐\n", content: "{{.name}}", want: []string{"a: 徐"}},
		{name: "rows that are shorter or end in commas", list: "userid,name,x\na,徐\nb,徐,,,\n", content: "{{.name}}", want: []string{"a,b: 徐"}},
		{name: "duplicates across case", list: "userid,name\nBob,1\nann,2\nbob,3\nANN,4\n", content: "x{{.name}}", want: []string{"Bob: 1", "ann: 2"}},
		{name: "equal renderings of other values", list: "userid,name\nc,1\nb,2\na,1\n", content: "x{{if .name}}{{end}}", want: []string{"a,b,c: 1"}},
		{name: "an empty value", list: "userid,name\na,\n", content: "x{{.name}}", want: []string{"a: "}},
		{name: "without what is invalid", list: "userid,name\n张,1\na,2\n|,3\n", options: compose.Options{SkipInvalid: true}, content: "x{{.name}}", want: []string{"a: 2"}},
		{name: "the second row of a user whose first is invalid", list: "userid,name\na,\na,2\n", options: compose.Options{SkipInvalid: true}, content: "{{.name}}", want: []string{"a: 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.encoding == "" {
				tt.encoding = "utf-8"
			}
			compiled := compile(t, strings.NewReader(tt.list), text(t, tt.content), tt.options)
			got := calls(t, compiled)
			slices.Sort(got) // by rendering they are in the order of a hash
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			s := compiled.Summary
			if s.Encoding != tt.encoding || s.Rows != s.Recipients+s.Duplicates+s.Invalid || s.Calls != len(got) {
				t.Errorf("got %+v, want the encoding %s", s, tt.encoding)
			}
		})
	}
}

func encoded(tb testing.TB, e encoding.Encoding, s string) string {
	tb.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestListsThatAreRefused(t *testing.T) {
	t.Parallel()
	const notUser = " is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; a display name does not work"
	sized := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct{ name, list, content, want string }{
		{name: "nothing", content: "x", want: "list: it is empty"},
		{name: "blank lines", list: "\n\r\n ,\n", content: "x", want: "list: it is empty"},
		{name: "only a header", list: "userid,name\n", content: "x", want: "list: it has a header but no recipients"},
		{name: "a spreadsheet", list: "PK\x03\x04rest", content: "x", want: "list: it is a spreadsheet (.xlsx); in Excel or WPS, save it as CSV UTF-8"},
		{name: "an old spreadsheet", list: "\xD0\xCF\x11\xE0\xA1", content: "x", want: "list: it is a spreadsheet (.xls); in Excel or WPS, save it as CSV UTF-8"},
		{
			name: "zero bytes", list: "userid\na\x00b\n", content: "x",
			want: "list: it has zero bytes: it is not text, or is UTF-16 without a byte order mark; save it as CSV UTF-8, or give the encoding utf-16le",
		},
		{name: "a zero byte further down", list: "userid\n" + strings.Repeat("abc\n", 200) + "a\x00b\n", content: "x", want: `list: line 202, column "userid": "a\x00b"` + notUser},
		{name: "lines of an old Mac", list: "userid\ra\rb\r", content: "x", want: "list: line 1: its lines end in CR alone, as those of old Macs; save it as CSV UTF-8"},
		{
			name: "a column that is missing", list: "userid,Name\na,x\n", content: "{{.name}}",
			want: `list: line 1, column "name": the template uses it, but the list does not have it; there are userid, Name`,
		},
		{name: "a column that is there twice", list: "userid,n,n\na,x,y\n", content: "{{.n}}", want: `list: line 1, column "n": the template uses it, but there are two columns with this name`},
		{name: "two columns of recipients", list: "userid,UserId\na,b\n", content: "x", want: `list: line 1, column "UserId": there are two columns with this name`},
		{name: "a row that is too short", list: "userid,a,name\na,x\n", content: "{{.name}}", want: `list: line 2, column "name": the row ends before this column: it has 2 cells`},
		{name: "a comma without quotes", list: "userid,name\na,x,y\n", content: "{{.name}}", want: "list: line 2: 3 cells, but the header has 2; quote texts that contain the separator"},
		{name: "no recipient", list: "userid,name\n,x\n", content: "{{.name}}", want: `list: line 2, column "userid": empty; the row has no recipient`},
		{name: "everyone", list: "userid\n@all\n", content: "x", want: `list: line 2, column "userid": a list names members one by one; send an ordinary message to @all`},
		{name: "a display name in the first row", list: "张三\nb\n", content: "x", want: `list: line 1, column "1": "张三"` + notUser + "; if this row is a header, call the column userid"},
		{name: "a display name in the second row", list: "b\n张三\n", content: "x", want: `list: line 2, column "1": "张三"` + notUser},
		{name: "a display name", list: "userid\n徐静\n", content: "x", want: `list: line 2, column "userid": "徐静"` + notUser},
		{name: "two users in a cell", list: "userid\na|b\n", content: "x", want: `list: line 2, column "userid": "a|b"` + notUser},
		{name: "a userid of 65 bytes", list: "userid\n" + sized(65) + "\n", content: "x", want: `list: line 2, column "userid": "` + sized(65) + `"` + notUser},
		{
			name: "a rendering that is too long", list: "userid,n,name\na,1," + sized(2047) + "\nb,1," + sized(2048) + "\n", content: "{{.n}}{{.name}}",
			want: `list: line 3, column "name": text.content: 2049 bytes, 1 more than WeCom's limit of 2048 (it would cut the rest silently)`,
		},
		{name: "a control character", list: "userid,name\na,x\x07\n", content: "{{.name}}", want: `list: line 2, column "name": it has the control character U+0007`},
		{
			name: "bytes of another encoding", list: "userid,name\na,徐静\nb,\xff\xfe\n" + strings.Repeat("c,徐\n", 200), content: "x{{.name}}",
			want: `list: line 3, column "name": it has bytes that are invalid in the list's encoding, or were when it was saved; give the right encoding`,
		},
		{
			name: "a quote in a cell without quotes", list: "userid,name\na,5\" pipe\n", content: "{{.name}}",
			want: `list: line 2: there is a " at byte 4 in a cell without quotes; put the cell in quotes and double each " in it`,
		},
		{
			name: "text after a quote", list: "userid,name\na,\"x\ny\" z\n", content: "{{.name}}",
			want: `list: line 2: a cell in quotes does not end, or goes on after its end, at byte 2 of line 3; double each " in a cell, and close it with one`,
		},
		{
			name: "a quote that is not closed", list: "userid,name\na,\"x\nb,y\n", content: "{{.name}}",
			want: `list: line 2: a cell in quotes does not end, or goes on after its end, at byte 5 of line 3; double each " in a cell, and close it with one`,
		},
		{name: "a line number after line breaks in quotes", list: "userid,name\n\"a\",\"1\n2\r\n3\"\n\nb,\"\n\"\n|,x\n", content: "x{{.name}}", want: `list: line 8, column "userid": "|"` + notUser},
		{name: "several rows", list: "userid\n|\na\n|\n|\n", content: "x", want: `list: line 2, column "userid": "|"` + notUser + " (and 2 more rows with a problem)"},
		{
			name: "a column that is missing among many with long names", list: sized(100) + strings.Repeat(",n", 30) + "\na\n", content: "{{.name}}",
			want: `list: line 1, column "name": the template uses it, but the list does not have it; there are ` + sized(80) + "…" + strings.Repeat(", n", 19) + ", …",
		},
		{name: "too many columns", list: strings.Repeat(",", 256) + "userid\n", content: "x", want: "list: line 1: 257 columns, 1 more than the limit of 256"},
		{
			name: "a row that is too long", list: "userid,name\na,x\nb," + sized(300000) + "\n", content: "{{.name}}",
			want: "list: line 3: the row that begins here or below has more than 262144 bytes; is a quote not closed?",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := compose.Compile(t.Context(), strings.NewReader(tt.list), text(t, tt.content), compose.Options{})
			if _, ok := errors.AsType[*compose.ListError](err); !ok {
				t.Errorf("got %T, want a ListError", err)
			}
			if diff := cmp.Diff(tt.want, errorText(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
