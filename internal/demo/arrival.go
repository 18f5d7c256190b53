package demo

import (
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// audience summarises who got a message.
func audience(m wecomtest.Message) string {
	switch {
	case m.ToAll:
		return "@all"
	case len(m.To) == 0:
		return strings.TrimSpace(prefixed("party ", m.Parties) + " " + prefixed("tag ", m.Tags))
	case len(m.To) > 2:
		return fmt.Sprintf("%s and %d more", m.To[0], len(m.To)-1)
	default:
		return strings.Join(m.To, " ")
	}
}

func prefixed(what string, ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return what + strings.Join(ids, ",")
}

// oneLine is the visible text of a message, cut to fit a terminal.
func oneLine(m wecomtest.Message) string {
	const shown = 50
	text := strings.Join(strings.Fields(m.Title+" "+m.Text), " ")
	if runes := []rune(text); len(runes) > shown {
		return string(runes[:shown]) + "…"
	}
	return text
}
