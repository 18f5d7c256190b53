package daemon

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

// renewal is how long before its end a token is named: time to give out another one.
const renewal = 14 * 24 * time.Hour

// checkTokens names the tokens that have ended, or will soon.
func checkTokens(tokens []config.Token, now time.Time) []Finding {
	var findings []Finding
	for _, token := range tokens {
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
