package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const chinese = ".zh-CN.md"

var (
	codeSpan    = regexp.MustCompile("`[^`]+`")
	codeComment = regexp.MustCompile(`\s+(#|// |/\*).*`)
)

// section is a heading with what follows it. The signs are the parts of its text that no language changes.
type section struct {
	heading string
	signs   []string
}

// TestTranslationsKeepUp fails when only one of two languages has a new section, row, name, command or link.
func TestTranslationsKeepUp(t *testing.T) {
	t.Parallel()
	for _, translation := range translations(t) {
		original := strings.Replace(translation, chinese, ".md", 1)
		want, got := sections(withoutProofs(original, read(t, original))), sections(read(t, translation))
		if len(got) != len(want) {
			t.Errorf("%s has %d headings, %s %d", translation, len(got), original, len(want))
			continue
		}
		for i := range want {
			if diff := cmp.Diff(want[i].signs, got[i].signs); diff != "" {
				t.Errorf("%s, %s: the languages differ (-English +Chinese):\n%s", original, want[i].heading, diff)
			}
		}
	}
}

func TestTranslationsAndOriginalsLinkToEachOther(t *testing.T) {
	t.Parallel()
	for _, translation := range translations(t) {
		original := strings.Replace(translation, chinese, ".md", 1)
		for from, to := range map[string]string{original: translation, translation: original} {
			if !strings.Contains(read(t, from), "]("+filepath.Base(to)+")") {
				t.Errorf("%s has no link to %s", from, to)
			}
		}
	}
}

func TestChineseDocumentsLinkToChineseOnes(t *testing.T) {
	t.Parallel()
	documents := translations(t)
	for _, document := range documents {
		for _, match := range link.FindAllStringSubmatch(read(t, document), -1) {
			target := filepath.Join(filepath.Dir(document), match[1])
			better := strings.Replace(target, ".md", chinese, 1)
			if better != document && slices.Contains(documents, better) {
				t.Errorf("%s links to %s; there is %s", document, target, better)
			}
		}
	}
}

// withoutProofs has a link in place of the table of tests, as the translation: names of tests are English anyway.
func withoutProofs(path, text string) string {
	before, _, found := strings.Cut(text, "\n| promise |")
	if !found {
		return text
	}
	return before + "](" + path + ")"
}

func translations(t *testing.T) []string {
	t.Helper()
	documents, err := filepath.Glob("*" + chinese)
	if err != nil {
		t.Fatal(err)
	}
	return append(documents, "../README"+chinese)
}

func sections(text string) []section {
	var parts [][]string
	fenced := false
	for line := range strings.Lines(text) {
		if isFence(line) {
			fenced = !fenced
		}
		if len(parts) == 0 || !fenced && strings.HasPrefix(line, "#") {
			parts = append(parts, nil)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], line)
	}
	found := make([]section, len(parts))
	for i, lines := range parts {
		found[i] = section{heading: strings.TrimSpace(lines[0]), signs: signs(lines)}
	}
	return found
}

// signs are the level of a section's heading, the code and the links in its text in any order, and in their own order
// its rows and blocks of code. Of a block of text only the place counts: it may be a drawing with words.
func signs(lines []string) []string {
	level, _, _ := strings.Cut(lines[0], " ")
	var text, blocks []string
	block := ""
	for _, line := range lines {
		switch {
		case isFence(line):
			blocks = append(blocks, strings.TrimSpace(line))
			block = nextBlock(block, line)
		case block == "":
			text = append(text, signsOfText(line)...)
			if strings.HasPrefix(line, "|") {
				blocks = append(blocks, "row")
			}
		case block != "```text":
			code := codeComment.ReplaceAllString(line, "")
			blocks = append(blocks, strings.TrimRight(quoted.ReplaceAllString(code, "$1 $2"), " \n"))
		}
	}
	slices.Sort(text)
	return slices.Concat([]string{level}, slices.Compact(text), blocks)
}

func signsOfText(line string) []string {
	found := codeSpan.FindAllString(line, -1)
	for _, match := range link.FindAllStringSubmatch(line, -1) {
		found = append(found, "link to "+strings.Replace(match[1], chinese, ".md", 1))
	}
	return found
}

func isFence(line string) bool {
	return strings.HasPrefix(strings.TrimSpace(line), "```")
}

// nextBlock is the fence that opens a block, or nothing after the one that closes it.
func nextBlock(open, fence string) string {
	if open != "" {
		return ""
	}
	return strings.TrimSpace(fence)
}
