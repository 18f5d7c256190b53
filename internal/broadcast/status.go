package broadcast

import (
	"time"

	"github.com/wecomq/wecomq/message"
)

// Status describes a broadcast on the command line, in REST and on the pages.
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
	// Errcodes counts the recipients of refused calls by WeCom's errcode.
	Errcodes map[int64]int `json:"errcodes,omitempty"`

	At        time.Time `json:"at,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Rate      int       `json:"rate,omitempty"` // recipients a minute
	Between   string    `json:"between,omitempty"`

	CreatedAt  time.Time `json:"created_at"`
	CreatedBy  string    `json:"created_by,omitempty"`
	ReplayOf   string    `json:"replay_of,omitempty"` // the broadcast that it repeats for failed recipients
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// ETA is when everybody will have been reached; absent if unknown: see [Broadcast.ETA].
	ETA time.Time `json:"eta,omitzero"`
	// Acts has who last paused, resumed, approved or cancelled it, and when.
	Acts map[string]Act `json:"acts,omitempty"`
	// Found is the outcome of the recipient searched for: see [Desk.Statuses].
	Found *Row `json:"found,omitempty"`
	// Review is set while it awaits approval: see [Desk.Tell].
	Review *Review `json:"review,omitempty"`
}

// Status returns the status of the broadcast, with its expected end at the app's pace.
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
