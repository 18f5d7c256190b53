package envelope

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// Member describes one of our members for the documentation.
type Member struct {
	Name, Doc string
	Values    []string // all possible values; nil for other texts
	Example   string   // of other texts
	Boolean   bool     // true or false instead of a string
}

// member also parses and encodes it.
type member struct {
	Member

	// read stores the text in the envelope, or returns its fault.
	read func(e *Envelope, text string) (problem string)
	// write returns the text of an option, "" for none.
	write func(o tasks.Options) string
}

const (
	keyMember   = "idempotency_key"
	allowMember = "allow_unknown"
)

// members are all of our members, in the order in which their faults are listed.
var members = []member{
	{
		Member{Name: "app", Doc: "Which app sends it; may be left out if the token has one", Example: "ops"},
		readApp, func(tasks.Options) string { return "" },
	},
	{
		Member{Name: "priority", Doc: "default if left out", Values: []string{"critical", "default", "bulk"}},
		readPriority, func(o tasks.Options) string { return string(o.Priority) },
	},
	{
		Member{Name: "process_at", Doc: "Not before (RFC 3339)", Example: "2026-01-02T15:04:05+08:00"},
		readProcessAt, writeProcessAt,
	},
	{
		Member{Name: "expires_in", Doc: "Not after, counted from now", Example: "1h"},
		readExpiresIn, writeExpiresIn,
	},
	{
		Member{Name: keyMember, Doc: "Makes a repeat find the first message", Example: "build-4812"},
		readKey, func(o tasks.Options) string { return o.IdempotencyKey },
	},
	{
		Member{Name: allowMember, Doc: "Passes on members and msgtypes that wecomq does not know", Boolean: true},
		readAllow, func(tasks.Options) string { return "" },
	},
}

// Members returns all of our members.
func Members() []Member {
	all := make([]Member, len(members))
	for i, m := range members {
		all[i] = m.Member
	}
	return all
}

func readApp(e *Envelope, text string) string {
	e.App = text
	return ""
}

func readPriority(e *Envelope, text string) string {
	priority := tasks.Priority(text)
	if text != "" && priority.Validate() != nil {
		return fmt.Sprintf("%q is not one of critical, default, bulk", text)
	}
	e.Options.Priority = priority
	return ""
}

func readProcessAt(e *Envelope, text string) string {
	if text == "" {
		return ""
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Sprintf("%.80q is not a time such as 2026-01-02T15:04:05+08:00", text)
	}
	e.Options.At = at
	return ""
}

func writeProcessAt(o tasks.Options) string {
	if o.At.IsZero() {
		return ""
	}
	return o.At.Format(time.RFC3339Nano)
}

func readExpiresIn(e *Envelope, text string) string {
	if text == "" {
		return ""
	}
	life, err := time.ParseDuration(text)
	if err != nil || life <= 0 {
		return fmt.Sprintf(`%.80q is not a duration such as "90s" or "1h"`, text)
	}
	e.Options.ExpiresIn = life
	return ""
}

func writeExpiresIn(o tasks.Options) string {
	if o.ExpiresIn == 0 {
		return ""
	}
	return o.ExpiresIn.String()
}

func readAllow(e *Envelope, text string) string {
	if text != "true" && text != "false" {
		return "want true or false"
	}
	e.AllowUnknown = text == "true"
	return ""
}

func readKey(e *Envelope, text string) string {
	e.Options.IdempotencyKey = text
	return keyProblem(text)
}
