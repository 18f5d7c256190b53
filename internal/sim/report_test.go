package sim_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// checkSums: at any moment each recipient of a broadcast is in exactly one state.
func (w *world) checkSums(b *broadcast.Broadcast) {
	w.Helper()
	c := b.Counts
	if sum := c.Accepted + c.Failed() + c.Cancelled + c.Pending; sum != b.Recipients || b.CallsDone > b.Calls {
		w.Errorf("%s is %s: %+v adds up to %d of %d recipients, %d of %d calls are done", b.ID, b.State, c, sum, b.Recipients, b.CallsDone, b.Calls)
	}
}

// look checks the books in their present state, and reports whether a recipient is still pending.
func (w *world) look() (pending bool) {
	w.mu.Lock()
	all := slices.Clone(w.broadcasts)
	w.mu.Unlock()
	for _, r := range all {
		b, err := w.store(r.app).Get(context.Background(), r.id)
		w.must(err)
		w.checkSums(b)
		pending = pending || !b.State.Over() || b.Counts.Pending > 0
	}
	return pending
}

// checkBroadcasts compares the reports with the arrivals.
func (w *world) checkBroadcasts(arrived map[string]arrival) {
	for _, r := range w.broadcasts {
		b, err := w.store(r.app).Get(context.Background(), r.id)
		if err != nil {
			w.Errorf("%s was created and is lost: %v", r.id, err)
			continue
		}
		w.checkSums(b)
		if !b.State.Over() || b.Counts.Pending > 0 {
			w.Errorf("%s has not ended: %s, %+v", b.ID, b.State, b.Counts)
		}
		w.checkReport(r, b, arrived)
		w.checkStops(r, arrived)
	}
}

// checkReport: each recipient is in the report once, with the true state.
func (w *world) checkReport(r *running, b *broadcast.Broadcast, arrived map[string]arrival) {
	states, rows := map[string]int{}, map[string]broadcast.Row{}
	for row, err := range w.store(r.app).Report(context.Background(), r.id) {
		w.must(err)
		states[row.State]++
		rows[row.Recipient] = row
	}
	c := b.Counts
	for state, count := range map[string]int{
		"accepted": c.Accepted, "invalid": c.Invalid, "unlicensed": c.Unlicensed, "rejected": c.Rejected,
		"unknown": c.Unknown, "expired": c.Expired, "cancelled": c.Cancelled, "pending": c.Pending,
	} {
		if states[state] != count {
			w.Errorf("%s: %d of the report are %s, the sums say %d", r.id, states[state], state, count)
		}
	}
	for n, user := range r.users {
		row, ok := rows[user]
		if !ok {
			w.Errorf("%s: %s is missing in the report", r.id, user)
			continue
		}
		w.checkRow(r, b, row, arrived[r.text(n)].to[user])
	}
	if len(rows) != len(r.users) {
		w.Errorf("%s: %d are in the report, and %d recipients", r.id, len(rows), len(r.users))
	}
}

// checkRow compares the state of a recipient with the number of WeCom's deliveries.
func (w *world) checkRow(r *running, b *broadcast.Broadcast, row broadcast.Row, times int) {
	possible := map[string]bool{
		"accepted": times > 0,
		"unknown":  true,
		"invalid":  times == 0 && row.Recipient == "nobody", "unlicensed": times == 0 && row.Recipient == "u7",
		"cancelled": times == 0 && b.State == broadcast.Cancelled,
		"expired":   times == 0 && r.expires > 0,
	}
	if !possible[row.State] {
		w.Errorf("%s: %s got it %d times, and the report says %q: %d %s", r.id, row.Recipient, times, row.State, row.ErrCode, row.ErrMsg)
	}
	if times > 1 && row.State == "accepted" && !strings.Contains(row.ErrMsg, "twice") {
		w.Errorf("%s: %s got it %d times, and the report does not say so: %+v", r.id, row.Recipient, times, row)
	}
	if times > 1+tasks.DefaultUnknownResends {
		w.Errorf("%s: %s got it %d times", r.id, row.Recipient, times)
	}
}

// checkStops: a broadcast that is paused or cancelled completes its calls in flight, and makes no others.
func (w *world) checkStops(r *running, arrived map[string]arrival) {
	for text, a := range arrived {
		if !strings.HasPrefix(text, r.words) || a.app != r.app {
			continue
		}
		for _, at := range a.at {
			for _, s := range r.stopped {
				if at.Sub(s.from) > tasks.AttemptLimit(wecom.DefaultTimeout) && (s.to.IsZero() || at.Before(s.to)) {
					w.Errorf("%s was stopped at %s, and a call came at %s", r.id, s.from.Format(time.TimeOnly), at.Format(time.TimeOnly))
				}
			}
		}
	}
}
