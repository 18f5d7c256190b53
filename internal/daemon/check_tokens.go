package daemon

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

// renewal is how long before its expiry a token is reported.
const renewal = 14 * 24 * time.Hour

// checkTokens reports tokens that have expired or will soon, and easily guessed ones.
func checkTokens(tokens []config.Token, now time.Time) []Finding {
	var findings []Finding
	for _, token := range tokens {
		if guessable(token) {
			text := "it is one of the first that anybody would try; replace it by one of 'wecomq token new'"
			findings = append(findings, Finding{"token " + token.Name, Warning, text})
		}
		end := token.Expires.Format(time.RFC3339)
		switch {
		case token.Expired(now):
			findings = append(findings, Finding{"token " + token.Name, Warning, "it has expired, at " + end + "; remove it"})
		case token.Expired(now.Add(renewal)):
			days := int(token.Expires.Sub(now).Hours() / 24)
			text := fmt.Sprintf("it expires in %d days, at %s; add another one with 'wecomq token new' before that", days, end)
			findings = append(findings, Finding{"token " + token.Name, Warning, text})
		}
	}
	return findings
}

// guessable reports whether a token is a common one. Only hashes are known, so others cannot be judged.
func guessable(token config.Token) bool {
	words := slices.Concat([]string{"", token.Name}, token.Apps, []string{
		"token", "secret", "password", "passw0rd", "changeme", "change-me", "admin", "root", "test", "demo", "example", "default",
		"wecom", "wecomq", "wechat", "weixin", "qywx", "alertmanager", "grafana", "prometheus", "hunter2", "letmein", "qwerty", "abc123",
		"a-token", "my-token", "mytoken", "your-token", "TOKEN", "$TOKEN", "xxx", "foo", "bar", "0", "1", "123", "1234", "12345", "123456",
		"12345678", "123456789", "1234567890", "111111", "000000", "666666", "888888",
	})
	endings := []string{"", "\n", "-token", "_token", "token", "-secret", "secret", "1", "123", "1234", "12345", "123456", "!", "@123", "2024", "2025", "2026"}
	for _, word := range words {
		for _, ending := range endings {
			if sha256.Sum256([]byte(word+ending)) == token.SHA256 {
				return true
			}
		}
	}
	return false
}
