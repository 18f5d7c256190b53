package pages

import (
	"context"
	"errors"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/gateway"
)

func (p *Pages) pauseBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Pause, "paused")
}

func (p *Pages) resumeBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Resume, "resumed")
}

func (p *Pages) cancelBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Cancel, "broadcast-cancelled")
}

func (p *Pages) approveBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Approve, "approved")
}

// steerBroadcast changes the state of a broadcast, and shows it.
func (p *Pages) steerBroadcast(
	w http.ResponseWriter, r *http.Request,
	do func(s *broadcast.Store, ctx context.Context, id, actor string) (*broadcast.Broadcast, error), done string,
) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	_, err = do(app.Broadcasts.Store, r.Context(), b.ID, gateway.IdentityFrom(r.Context()).Name())
	if _, wrongState := errors.AsType[*broadcast.StateError](err); wrongState || errors.Is(err, broadcast.ErrOwnApproval) {
		return &refusal{"This is not possible now", []string{err.Error()}, broadcastPath(b.ID)}
	}
	if err != nil {
		return err
	}
	app.broadcasts.forget()
	redirect(w, r, broadcastPath(b.ID), done)
	return nil
}
