package ledger

import (
	"context"
	"strconv"

	"github.com/wecomq/wecomq/tasks"
)

// Entry is a record for an audit.
type Entry struct {
	tasks.Record

	// Answered counts the recipients that WeCom accepted, as written when it answered. In Recipients everybody
	// without a state of their own has that of the message, so a wrong sum does not show there.
	Answered int
}

// Entries reads some records; those that do not exist are left out.
func (l *Ledger) Entries(ctx context.Context, ids []string) ([]Entry, error) {
	entries := make([]Entry, 0, len(ids))
	err := l.fetch(ctx, ids, func(id string, fields map[string]string) {
		answered, _ := strconv.Atoi(fields[fieldAccepted]) // absent is zero
		entries = append(entries, Entry{readRecord(l.app, id, fields), answered})
	})
	return entries, err
}
