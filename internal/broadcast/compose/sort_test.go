package compose_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// grouped is what a list should become, made in memory: the first row of each user,
// by words, 1000 to a call.
func grouped(rows [][]string) map[string][]string {
	seen := map[string]bool{}
	users := map[string][]string{}
	for _, row := range rows {
		if key := strings.ToLower(row[0]); !seen[key] {
			seen[key] = true
			users[row[1]] = append(users[row[1]], row[0])
		}
	}
	for _, list := range users {
		slices.SortFunc(list, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	}
	return users
}

// fatal is a test or one run of a property.
type fatal interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// sent is what the calls say to whom. Calls of the same words stand together, and all
// but the last are full.
func sent(tb fatal, compiled *compose.Compiled) map[string][]string {
	tb.Helper()
	users := map[string][]string{}
	last := ""
	for call, err := range compiled.Calls() {
		if err != nil {
			tb.Fatal(err)
		}
		words := call.Columns[len(call.Columns)-1]
		before := users[words]
		if len(before) > 0 && (words != last || len(before)%1000 != 0) {
			tb.Errorf("the words %q are in several calls, and %d users were in those before", words, len(before))
		}
		users[words], last = append(before, call.Users...), words
	}
	return users
}

func asCSV(tb fatal, rows [][]string) *bytes.Buffer {
	tb.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"userid", "words", "padding"})
	if err := w.WriteAll(rows); err != nil {
		tb.Fatal(err)
	}
	return &b
}

func TestWhateverTheListEverybodyIsSentToOnce(t *testing.T) {
	t.Parallel()
	template := text(t, "Hi {{.words}}")
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []string {
			return []string{
				rapid.StringMatching(`[a-cA-C][a-bA-B0-1_.@-]{0,3}`).Draw(t, "user"),
				rapid.SampledFrom([]string{"", "a", "b", "徐静\n\"", ",", "😀"}).Draw(t, "words"),
			}
		}), 1, 60).Draw(t, "rows")
		compiled, err := compose.Compile(t.Context(), asCSV(t, rows), template, compose.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(grouped(rows), sent(t, compiled)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if err := compiled.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAListThatDoesNotFitIntoMemory has rows so long that a hundred of them are sorted
// on disk.
func TestAListThatDoesNotFitIntoMemory(t *testing.T) {
	t.Parallel()
	padding := strings.Repeat("x", 96<<10)
	var rows [][]string
	for i := range 100 {
		rows = append(rows, []string{fmt.Sprintf("U%03d", i*7%80), fmt.Sprint("words ", i%5), padding})
		padding = padding[1:]
	}
	list, template, dir := asCSV(t, rows).Bytes(), text(t, "{{if .padding}}{{.words}}{{end}}"), t.TempDir()
	_, err := compose.Compile(t.Context(), bytes.NewReader(list), template, compose.Options{TempDir: dir + "/none"})
	if !strings.HasPrefix(errorText(err), "sort: open "+dir) {
		t.Errorf("without a directory: %v", err)
	}
	compiled := compile(t, bytes.NewReader(list), template, compose.Options{TempDir: dir})
	if s := compiled.Summary; s.Recipients != 80 || s.Duplicates != 20 || s.DuplicateExamples[0] != (compose.Duplicate{User: "u000", Line: 82, FirstLine: 2}) {
		t.Errorf("got %+v", s)
	}
	for range 2 { // as often as one likes
		if diff := gocmp.Diff(grouped(rows), sent(t, compiled)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if err := compiled.Close(); err != nil {
		t.Error(err)
	}
	if left := ls(t, dir); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
