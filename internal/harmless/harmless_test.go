package harmless_test

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/harmless"
)

func TestWhatSteersOrTurnsIsNotShown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ text, line, cell string }{
		"磁盘已满 disk":                     {"磁盘已满 disk", "磁盘已满 disk", "磁盘已满 disk"},
		"a\n\tb":                        {"a\n\tb", "a  b", "a\n\tb"},
		"\x1b[2J\x1b]0;title\x07x":      {"[2J]0;titlex", " [2J ]0;title x", "[2J]0;titlex"},
		"a\rb\x00\x7f":                  {"ab", "a b  ", "ab"},
		"C1: \u009b31m":                 {"C1: 31m", "C1:  31m", "C1: 31m"},
		"user\u202efdp.exe\u2066\u200f": {"userfdp.exe", "userfdp.exe", "userfdp.exe"},
		"a\u2028b":                      {"ab", "a b", "ab"},
		"zero\u200bwidth\ufeff\u00ad":   {"zerowidth", "zerowidth", "zerowidth"},
		"👩\u200d💻 नमस्\u200cते":         {"👩\u200d💻 नमस्\u200cते", "👩\u200d💻 नमस्\u200cते", "👩\u200d💻 नमस्\u200cते"},
		"not \xff\xfe UTF-8":            {"not \ufffd\ufffd UTF-8", "not \ufffd\ufffd UTF-8", "not \ufffd\ufffd UTF-8"},
		"=HYPERLINK(\"x\")":             {"=HYPERLINK(\"x\")", "=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"},
		"\u202e=1+1":                    {"=1+1", "=1+1", "'=1+1"},
		"\x00@SUM(1)":                   {"@SUM(1)", " @SUM(1)", "'@SUM(1)"},
		"＝1+1":                          {"＝1+1", "＝1+1", "'＝1+1"},
		"＋1":                            {"＋1", "＋1", "'＋1"},
		"－1":                            {"－1", "－1", "'－1"},
		"＠SUM(1)":                       {"＠SUM(1)", "＠SUM(1)", "'＠SUM(1)"},
		"Ľ starts with no equals":       {"Ľ starts with no equals", "Ľ starts with no equals", "Ľ starts with no equals"},
		"-1":                            {"-1", "-1", "'-1"},
		"\t=1":                          {"\t=1", " =1", "'\t=1"},
		"":                              {"", "", ""},
	} {
		if got := harmless.Text(text); got != want.text {
			t.Errorf("Text(%q) = %q, want %q", text, got, want.text)
		}
		if got := harmless.Line(text); got != want.line {
			t.Errorf("Line(%q) = %q, want %q", text, got, want.line)
		}
		if got := harmless.Cell(text); got != want.cell {
			t.Errorf("Cell(%q) = %q, want %q", text, got, want.cell)
		}
	}
}

func TestAWriterSeesCharactersThatComeInPieces(t *testing.T) {
	t.Parallel()
	const text = "磁盘\x1b[31m已满\u202e 👩\u200d💻\n"
	var out strings.Builder
	if _, err := io.Copy(harmless.NewWriter(&out), iotest.OneByteReader(strings.NewReader(text))); err != nil || out.String() != harmless.Text(text) {
		t.Errorf("%q, %v; want %q", out.String(), err, harmless.Text(text))
	}
}

func FuzzWriter(f *testing.F) {
	f.Add("磁盘\x1b[31m", "\u202e已满")
	f.Add("\xe2", "\x80\xae")
	f.Fuzz(func(t *testing.T, a, b string) {
		var out strings.Builder
		w := harmless.NewWriter(&out)
		for _, piece := range []string{a, b, "\n"} {
			if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatalf("%d of %d bytes, %v", n, len(piece), err)
			}
		}
		if out.String() != harmless.Text(a+b+"\n") || !utf8.ValidString(out.String()) {
			t.Errorf("%q + %q is written as %q, want %q", a, b, out.String(), harmless.Text(a+b+"\n"))
		}
		if strings.ContainsFunc(out.String(), func(r rune) bool {
			return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
		}) {
			t.Errorf("%q steers or turns", out.String())
		}
	})
}
