package broadcast

import (
	"time"

	"github.com/wecomq/wecomq/message"
)

// Status is a broadcast as the command line, REST and the pages tell of it.
type Status struct {
	ID    string       `json:"id"`
	App   string       `json:"app"`
	State State        `json:"state"`
	Type  message.Type `json:"type"`

	Recipients int    `json:"recipients"`
	Calls      int    `json:"calls"`
	CallsDone  int    `json:"calls_done"`
	Counts     Counts `json:"counts"` // they add up to Recipients
	Duplicates int    `json:"duplicates"`
	Skipped    int    `json:"skipped"`
	// Errcodes are the recipients of calls that WeCom refused, by its errcode.
	Errcodes map[int64]int `json:"errcodes,omitempty"`

	At        time.Time `json:"at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Rate      int       `json:"rate,omitempty"` // recipients a minute
	Between   string    `json:"between,omitempty"`

	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by,omitempty"`
	ReplayOf   string    `json:"replay_of,omitempty"` // the broadcast whose failures it is for
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// ETA is when everybody will have been reached; absent when that is not known: see
	// [Broadcast.ETA].
	ETA time.Time `json:"eta,omitzero"`
	// Acts are who paused, resumed, approved or cancelled it last, and when.
	Acts map[string]Act `json:"acts,omitempty"`
	// Found is what became of the recipient who was searched for: see [Desk.Statuses].
	Found *Row `json:"found,omitempty"`
	// Review is there while it waits for approval: see [Desk.Tell].
	Review *Review `json:"review,omitempty"`
}

// Status tells of the broadcast, with its end as the app's pace lets it expect.
func (b *Broadcast) Status(now time.Time, pace Pace) Status {
	return Status{
		ID: b.ID, App: b.App, State: b.State, Type: b.Spec.Template.Type(),
		Recipients: b.Recipients, Calls: b.Calls, CallsDone: b.CallsDone, Counts: b.Counts,
		Duplicates: b.Duplicates, Skipped: b.Skipped, Errcodes: b.Errcodes,
		At: b.Spec.At, ExpiresAt: b.ExpiresAt(), Rate: b.Spec.Rate, Between: b.Spec.Between.String(),
		CreatedAt: b.CreatedAt, CreatedBy: b.Spec.CreatedBy, ReplayOf: b.Spec.ReplayOf, StartedAt: b.StartedAt, FinishedAt: b.FinishedAt,
		ETA: b.ETA(now, pace).Truncate(time.Second), Acts: b.Acts,
	}
}
