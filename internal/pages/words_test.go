package pages

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"
)

// texts are the texts that the templates and the code use.
func texts(t *testing.T) map[string]bool {
	t.Helper()
	asked := map[string]bool{}
	call := regexp.MustCompile(`\{\{-?[^{}]*?\bt "([^"]+)"`)
	err := fs.WalkDir(templateFiles, "templates", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := templateFiles.ReadFile(path)
		for _, m := range call.FindAllStringSubmatch(string(data), -1) {
			asked[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for key := range inEnglish {
		asked[key] = true
	}
	for _, key := range []string{ // of the code
		"This message cannot be replayed", "This message cannot be recalled", "This message cannot be cancelled", "App not found", "Message not found",
		"Its record may have expired, or it belongs to an app that you may not use.", "Redis did not answer",
		"The messages are safe in Redis. This page works again as soon as Redis does.", "Invalid token", "Many wrong tokens have come from your address; try again in a minute",
		"This token may not read: it lacks the scope read", "It was replayed. The new message shows the outcome.",
		"It was recalled. Nobody can see it now.", "The card has changed. Nothing to do.",
		"It changes a card. If the card has not changed, update it again; if its code is used or too old, send a new card.", "<1 s", "%d s", "%d min", "%d h", "%d d", "%s ago",
		"today %s", "tomorrow %s", "Broadcast not found", "Not possible now", "A limit of your token does not allow this",
		"Too many lists are being checked; try again in a moment", "The form did not arrive", "The check is more than an hour old; check it again",
		"Somebody else has checked it", "It has changed since it was checked; check it again",
		"Another check of this form has been sent; the one behind this button was not",
		"This form is being checked in another window; check it again when that is done", "The form arrived too slowly; send it again",
		"Redis lost part of it, and nothing was sent; check it again", "list: its check took over 10 minutes; split it, or use wecomq broadcast create",
		"The test was refused",
		"list: missing; paste it or choose a file", "list: given twice; clear the text or choose no file",
		"list: larger than 256 MB; split it, or use wecomq broadcast create", "file: no longer kept for this app; choose it again",
		"Not all could be replayed", "%s: %d messages wait", ", until %s", ", since its last call %s",
		"The recall was interrupted; press again to continue", "WeCom did not recall all of it", "The file is no longer kept",
	} {
		asked[key] = true
	}
	return asked
}

func TestEveryTextIsInChinese(t *testing.T) {
	t.Parallel()
	asked := texts(t)
	if len(asked) < 100 {
		t.Fatalf("only %d texts were found", len(asked))
	}
	for key := range asked {
		if inChinese[key] == "" {
			t.Errorf("%q is not in Chinese", key)
		}
	}
	for key := range inChinese {
		if !asked[key] {
			t.Errorf("nobody asks for %q", key)
		}
	}
}

func FuzzSafePath(f *testing.F) {
	for _, path := range []string{"/", "//x", `/\x`, "/messages?q=a", "http://x", "/\n/x"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if safe := safePath(path); !strings.HasPrefix(safe, "/") || strings.HasPrefix(safe, "//") || strings.ContainsAny(safe, "\\\r\n") {
			t.Errorf("%q becomes %q", path, safe)
		}
	})
}

func TestHowLongAgoInBothLanguages(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		past             time.Duration
		english, chinese string
	}{
		{500 * time.Millisecond, "<1 s ago", "不到 1 秒前"},
		{4*time.Minute + time.Second, "4 min ago", "4 分钟前"},
		{26 * time.Hour, "26 h ago", "26 小时前"},
		{75 * time.Hour, "3 d ago", "3 天前"},
	} {
		at := time.Now().Add(-tc.past)
		if en, zh := english.ago(at), chinese.ago(at); en != tc.english || zh != tc.chinese {
			t.Errorf("%s: %q and %q, want %q and %q", tc.past, en, zh, tc.english, tc.chinese)
		}
	}
}

// TestEveryPageParses parses all pages, which the start does not do.
func TestEveryPageParses(t *testing.T) {
	t.Parallel()
	for at, parse := range newTemplates("/wecomq") {
		if _, err := parse(); err != nil {
			t.Errorf("%s in %s: %v", at.name, at.lang, err)
		}
	}
}
