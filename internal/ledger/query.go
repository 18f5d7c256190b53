package ledger

import (
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// Query selects records; its zero value selects all.
type Query struct {
	// Since and Until bound the time of a record's last change; zero for no bound.
	Since, Until time.Time
	States       []tasks.State // one of these; none for any
	ErrCode      *int64        // of the last attempt; nil for any
	Recipient    string        // user, party or tag that the message names; "" for any
}

// Match reports whether a record matches, apart from its time.
func (q Query) Match(r tasks.Record) bool {
	switch {
	case len(q.States) > 0 && !slices.Contains(q.States, r.State):
		return false
	case q.ErrCode != nil && *q.ErrCode != r.ErrCode:
		return false
	}
	return q.Recipient == "" || q.isTo(r)
}

// isTo compares userids without case, as WeCom does.
func (q Query) isTo(r tasks.Record) bool {
	is := func(id string) bool { return strings.EqualFold(id, q.Recipient) }
	return slices.ContainsFunc(r.To.Users, is) || slices.ContainsFunc(r.To.Parties, is) || slices.ContainsFunc(r.To.Tags, is)
}
