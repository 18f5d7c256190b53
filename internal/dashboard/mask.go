package dashboard

import (
	"regexp"
	"strings"

	"github.com/wecomq/wecomq/internal/harmless"
)

var (
	digits = regexp.MustCompile(`\d+`)
	spaced = regexp.MustCompile(`\b(1[3-9]\d)([- ])\d{4}[- ](\d{4})\b`)
	emails = regexp.MustCompile(`([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})`)
	mobile = regexp.MustCompile(`^(?:86)?1[3-9]\d{9}$`)
)

// maskUser masks a userid so that only its owner recognises it: zh***n.
func maskUser(id string) string {
	runes := []rune(id)
	switch {
	case strings.EqualFold(id, "@all") || len(runes) == 0:
		return id
	case len(runes) <= 4:
		return string(runes[0]) + "***"
	}
	return string(runes[:2]) + "***" + string(runes[len(runes)-1])
}

// maskText hides the mobile numbers and addresses of a text.
func maskText(text string) string {
	text = digits.ReplaceAllStringFunc(text, func(run string) string {
		if !mobile.MatchString(run) {
			return run
		}
		return run[:len(run)-8] + "****" + run[len(run)-4:]
	})
	text = spaced.ReplaceAllString(text, "$1$2****$2$3")
	return emails.ReplaceAllString(text, "$1***@$2")
}

// MaxText is how many characters of a text are shown.
const MaxText = 240

// clean prepares a text for display: it removes control and direction characters, and cuts it.
func clean(text string) string {
	text = harmless.Text(text)
	shown := 0
	for i := range text {
		if shown == MaxText {
			return strings.TrimRight(text[:i], "\u200d\ufe0f") + "…"
		}
		shown++
	}
	return text
}
