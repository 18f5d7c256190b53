// Package printout formats the output of commands about messages: records as a table, CSV, NDJSON or text, and a
// value as JSON.
package printout

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/message"
)

// JSON prints a value on a line, with < > & unescaped.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Time formats a time in the zone of this host, "" for none.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000 -07:00")
}

// due says when a message is to be sent.
func due(at time.Time) string { return "due " + at.Local().Format("2006-01-02 15:04:05 -07:00") }

// addressees names the first recipients of a message.
func addressees(to message.Recipients, most int) string {
	var names []string
	for _, user := range to.Users {
		names = append(names, harmless.Line(user))
	}
	for _, party := range to.Parties {
		names = append(names, "party "+harmless.Line(party))
	}
	for _, tag := range to.Tags {
		names = append(names, "tag "+harmless.Line(tag))
	}
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" +%d", more)
	}
	return text
}
