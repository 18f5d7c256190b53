package cut_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/cut"
)

func TestNoMarkupIsCutInItsMiddle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		most int
		want string
	}{
		"what fits is left alone":          {"abc", 3, "abc"},
		"a character is kept whole":        {"磁盘满了", 9, "磁盘…"},
		"blanks before the cut go":         {"ab      cdefgh", 8, "ab…"},
		"inside a tag":                     {`ab<font color="info">cd</font>`, 12, "ab…"},
		"inside an end tag":                {`<a href="x">cdef</a>ghijklmnop`, 22, `<a href="x">cde…</a>`},
		"inside a link's text":             {"see [the page](http://x.example) now", 12, "see…"},
		"inside a link's address":          {"see [the page](http://x.example) now", 30, "see…"},
		"behind a link":                    {"see [the page](http://x.example) and more", 38, "see [the page](http://x.example) an…"},
		"a bracket that opens no link":     {"[FIRING] disk full on db-03", 12, "[FIRING]…"},
		"less than and more than in prose": {"1 < 2 and 3 > 2 in prose", 13, "1 < 2 and…"},
		"brackets in a link's text":        {"at [[P1] disk full](https://example.com/alert/1) and more", 20, "at…"},
		"brackets without a link around":   {"[a] b [c [d](https://example.com/1) and more", 20, "[a] b [c…"},
		"parentheses in an address":        {"at [x](https://en.wikipedia.org/wiki/A_(b)) and more", 42, "at…"},
		"behind parentheses in an address": {"at [x](https://en.wikipedia.org/wiki/A_(b)) and more", 50, "at [x](https://en.wikipedia.org/wiki/A_(b)) and…"},
		"a parenthesis around a link":      {"(at [x](https://example.com/1), too) and more", 24, "(at…"},
		"a bracket that is written":        {`at [x\] y](https://example.com/1) and more`, 24, "at…"},
		"a picture":                        {"at ![x](https://example.com/1.png) and more", 24, "at…"},
		"a picture that is a link":         {"at [![x](https://example.com/1.png)](https://example.com) and more", 48, "at…"},
		"an address":                       {"at https://example.com/alert/1?a=b and more", 24, "at…"},
		"an address behind a word":         {"见https://example.com/alert/1，另见", 35, "见https://example.com/alert/1…"},
		"a long text behind an address":    {"见https://example.com/1，磁盘满了，请处理", 38, "见https://example.com/1，磁盘…"},
		"an address in brackets":           {"at [https://example.com](https://example.com),https://example.org and more", 60, "at…"},
		"nothing fits":                     {`<font color="info">cd</font>`, 5, "…"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := cut.Bytes(tt.text, tt.most); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := cut.Chars("磁盘满了", 3); got != "磁盘…" {
		t.Errorf("%q", got)
	}
}

// Signs that could begin a link take as long as they are many.
func TestWhatCouldBeMarkupIsReadOnce(t *testing.T) {
	t.Parallel()
	const most = 1 << 13
	for _, unit := range []string{"[", "](", "[](", "[a](b", "(", "<a", "![", "[[a](b)", "https://", `\[`} {
		began := time.Now()
		got := cut.Bytes(strings.Repeat(unit, most), most)
		if took := time.Since(began); took > 5*time.Second || len(got) > most {
			t.Errorf("%q: %d bytes after %s", unit, len(got), took)
		}
	}
}

func FuzzCut(f *testing.F) {
	f.Add("see [the page](http://x.example) <font color=\"info\">磁盘</font>", 20)
	f.Add("<div><div><div>", 7)
	f.Add(`at ![[P1] \] x](https://example.com/A_(b)) https://example.com/1`, 30)
	half := regexp.MustCompile(`</?[A-Za-z][^<>]*…`)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(len(cut.Ellipsis), most%4096)
		if strings.Contains(text, cut.Ellipsis) || !utf8.ValidString(text) {
			t.Skip()
		}
		got := cut.Bytes(text, most)
		if len(got) > most || !utf8.ValidString(got) {
			t.Errorf("%q in %d bytes is %q", text, most, got)
		}
		if found := half.FindString(got); found != "" && markupIn(text) {
			t.Errorf("%q in %d bytes ends in %q", text, most, found)
		}
	})
}

// markupIn reports whether every opening bracket of a text belongs to a tag.
func markupIn(text string) bool {
	rest := regexp.MustCompile(`</?[A-Za-z][^<>]*>`).ReplaceAllString(text, "")
	return !strings.ContainsAny(rest, "<>")
}
