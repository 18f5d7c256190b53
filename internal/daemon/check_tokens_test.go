package daemon

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

func TestCheckNamesTokensThatEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 9, 3, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		expires time.Time
		want    string
	}{
		"one that never ends":      {time.Time{}, ""},
		"one that ends in 14 days": {now.Add(14*24*time.Hour + time.Second), ""},
		"one that ends before":     {now.Add(14*24*time.Hour - time.Second), "it expires in 13 days, at 2026-12-15T09:02:59Z;"},
		"one that has ended":       {now, "it has expired, at 2026-12-01T09:03:00Z;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings := checkTokens([]config.Token{{Name: "builds", Expires: tc.expires}}, now)
			if tc.want == "" && len(findings) == 0 {
				return
			}
			if len(findings) != 1 || findings[0].Level != Warning || findings[0].Subject != "token builds" ||
				tc.want == "" || !strings.HasPrefix(findings[0].Text, tc.want) {
				t.Errorf("%+v, want %q", findings, tc.want)
			}
		})
	}
}

func TestCheckNamesTokensThatAreEasyToGuess(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "secret": true, "changeme": true, "builds": true, "builds-token": true, "ops123": true, "123456": true, "secret\n": true,
		"builds-token-of-the-third-floor": false, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef": false,
	} {
		findings := checkTokens([]config.Token{{Name: "builds", Apps: []string{"ops"}, SHA256: sha256.Sum256([]byte(text))}}, time.Now())
		if got := len(findings) == 1 && findings[0].Level == Warning && strings.Contains(findings[0].Text, "'wecomq token new'"); got != want {
			t.Errorf("%q: %+v, want a warning: %t", text, findings, want)
		}
	}
}
