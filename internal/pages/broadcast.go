package pages

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// shownErrors is how many errcodes a broadcast's page shows.
const shownErrors = 5

// broadcastView is a broadcast on its page.
type broadcastView struct {
	*broadcast.Broadcast

	Pace           broadcast.Pace
	End            end
	Bar            []segment
	Chart          chart
	CallsPerMinute int
	Errors         []broadcastError // those with the most recipients first
	Samples        []preview
	Acts           []act // in order

	Searched string          // the recipient or msgid of the search
	Found    []broadcast.Row // the rows of the recipients found; empty if they are not on the list

	Recall broadcast.Recall // how much of it has been recalled

	Mine                                       bool // the viewer created it
	MayPause, MayResume, MayCancel, MayApprove bool
	MayReplay, MayRecall                       bool
}

// broadcastError is an errcode that WeCom refused recipients with.
type broadcastError struct {
	Code       wecom.Code
	Recipients int
}

// act is an act on a broadcast.
type act struct {
	broadcast.Act

	Done string // "created", "paused", …
}

func (p *Pages) broadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	v, err := app.describe(r.Context(), b)
	if err != nil {
		return err
	}
	v.permit(gateway.IdentityFrom(r.Context()))
	v.Searched = strings.TrimSpace(r.URL.Query().Get("recipient"))
	v.Searched = strings.ToValidUTF8(v.Searched[:min(len(v.Searched), maxQuery)], "")
	if v.Searched != "" {
		if v.Found, err = app.rowsOf(r.Context(), b, v.Searched); err != nil {
			return err
		}
	}
	live := !b.State.Over() && b.State != broadcast.Creating && v.Searched == ""
	return p.render(w, r, http.StatusOK, "broadcast", view{Live: live, Data: v})
}

// rowsOf returns the row of a recipient, or those of the call with a msgid.
func (a *watched) rowsOf(ctx context.Context, b *broadcast.Broadcast, searched string) ([]broadcast.Row, error) {
	if mayBeMsgID(searched) {
		call, err := a.Broadcasts.FindCall(ctx, b, searched)
		if call == nil {
			return nil, err
		}
		return call.Rows, nil
	}
	row, ok, err := a.Broadcasts.Find(ctx, b.ID, searched)
	if !ok {
		return nil, err
	}
	return []broadcast.Row{row}, nil
}

// broadcastOf is the broadcast in the path and its app, if the token may use it.
func (p *Pages) broadcastOf(r *http.Request) (*watched, *broadcast.Broadcast, error) {
	id := r.PathValue("id")
	name, err := tasks.ValidateBroadcastID(id)
	if err != nil {
		return nil, nil, broadcast.ErrNotFound
	}
	for _, app := range p.mine(gateway.IdentityFrom(r.Context())) {
		if app.Name == name {
			b, err := app.Broadcasts.Get(r.Context(), id)
			return app, b, err
		}
	}
	return nil, nil, broadcast.ErrNotFound
}

// describe collects the data for a broadcast's page.
func (a *watched) describe(ctx context.Context, b *broadcast.Broadcast) (*broadcastView, error) {
	pace, paceErr := a.Broadcasts.Pace(ctx)
	minutes, minutesErr := a.Broadcasts.Minutes(ctx, b.ID)
	samples, samplesErr := a.Broadcasts.Samples(ctx, b)
	var recall broadcast.Recall
	var recallErr error
	if b.State.Over() {
		recall, recallErr = a.Broadcasts.RecallOf(ctx, b)
	}
	if err := errors.Join(paceErr, minutesErr, samplesErr, recallErr); err != nil {
		return nil, err
	}
	previews, err := previewsOf(b, samples)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return &broadcastView{
		Broadcast: b, Pace: pace, End: endOf(b, now, pace), Bar: progress(b), Chart: chartOf(minutes),
		CallsPerMinute: callsPerMinute(minutes, b.StartedAt, now), Errors: worst(b.Errcodes), Samples: previews, Acts: actsOf(b), Recall: recall,
	}, nil
}

// permit decides which buttons the page has.
func (v *broadcastView) permit(identity *gateway.Identity) {
	v.Mine = identity.Name() == v.Spec.CreatedBy
	if identity.Has(config.ScopeSend) && identity.AllowOn(v.Spec.CreatedBy) == nil {
		v.permitStops()
	}
	v.MayReplay = identity.Has(config.ScopeAdmin) && v.State.Over() && v.Counts.Pending == 0 && v.Counts.Failed() > 0
	v.MayApprove = v.State == broadcast.AwaitingApproval && identity.Has(config.ScopeApprove) && !v.Mine
}

// permitStops decides which buttons stop or resume it.
func (v *broadcastView) permitStops() {
	v.MayPause = v.State == broadcast.Running || v.State == broadcast.Scheduled
	v.MayResume = v.State == broadcast.Paused
	v.MayCancel = !v.State.Over() && v.State != broadcast.Creating
	v.MayRecall = v.Counts.Accepted > 0 && (!v.State.Over() || time.Since(v.FinishedAt) < message.RecallWindow) && !v.Recalled()
}

// Recalled reports whether everything that was sent has been recalled, as far as WeCom allows.
func (v *broadcastView) Recalled() bool {
	return v.Recall.Recalled+v.Recall.Failed > 0 && v.Recall.Left == 0
}

// Replayable are the recipients to whom it may be sent again: they did not receive it.
func (v *broadcastView) Replayable() int { return v.Counts.Failed() - v.Counts.Unknown }

// worst returns the errcodes with the most recipients.
func worst(errcodes map[int64]int) []broadcastError {
	var all []broadcastError
	for code, recipients := range errcodes {
		if code != 0 {
			all = append(all, broadcastError{wecom.Code(code), recipients})
		}
	}
	slices.SortFunc(all, func(a, b broadcastError) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.Code, b.Code))
	})
	return all[:min(len(all), shownErrors)]
}

func actsOf(b *broadcast.Broadcast) []act {
	acts := []act{{broadcast.Act{Actor: b.Spec.CreatedBy, At: b.CreatedAt}, "created"}}
	for done, a := range b.Acts {
		acts = append(acts, act{a, done})
	}
	slices.SortFunc(acts, func(a, b act) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Done, b.Done)) })
	return acts
}

func broadcastPath(id string) string { return "/broadcasts/" + url.PathEscape(id) }
