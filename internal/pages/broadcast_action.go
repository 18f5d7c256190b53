package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/problem"
)

func (p *Pages) pauseBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Pause, activity.PauseBroadcast, "paused")
}

func (p *Pages) resumeBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Resume, activity.ResumeBroadcast, "resumed")
}

func (p *Pages) cancelBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Cancel, activity.CancelBroadcast, "broadcast-cancelled")
}

func (p *Pages) approveBroadcast(w http.ResponseWriter, r *http.Request) error {
	return p.steerBroadcast(w, r, (*broadcast.Store).Approve, activity.ApproveBroadcast, "approved")
}

// steerBroadcast changes the state of a broadcast, and shows it.
func (p *Pages) steerBroadcast(
	w http.ResponseWriter, r *http.Request,
	do func(s *broadcast.Store, ctx context.Context, id, actor string) (*broadcast.Broadcast, error), act activity.Action, done string,
) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	identity := gateway.IdentityFrom(r.Context())
	if act != activity.ApproveBroadcast { // approving is for others than the creator
		if err := gateway.Forbidden(r.Context(), act, b.ID, identity.AllowOn(b.Spec.CreatedBy)); err != nil {
			return notNow(err, b.ID)
		}
	}
	_, err = do(app.Broadcasts.Store, r.Context(), b.ID, identity.Name())
	if err != nil {
		return notNow(err, b.ID)
	}
	app.broadcasts.forget()
	redirect(w, r, broadcastPath(b.ID), done)
	return nil
}

// notNow returns a refusal if the broadcast's state, or the requester, does not allow an action.
func notNow(err error, id string) error {
	_, refused := errors.AsType[*broadcast.StateError](err)
	for _, reason := range []error{broadcast.ErrOwnApproval, broadcast.ErrNothingToReplay, broadcast.ErrReplaying, broadcast.ErrRecalling, problem.ErrForbidden} {
		refused = refused || errors.Is(err, reason)
	}
	if refused {
		return &refusal{"Not possible now", []string{err.Error()}, broadcastPath(id)}
	}
	return err
}

// replayBroadcast sends a broadcast again to those who did not get it, and shows the new one.
func (p *Pages) replayBroadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	which := broadcast.Replay{IncludeUnknown: r.PostFormValue("unknown") != ""}
	if code := r.PostFormValue("errcode"); code != "" {
		if which.ErrCode, err = strconv.ParseInt(code, 10, 64); err != nil {
			return &refusal{"Not possible now", []string{fmt.Sprintf("errcode: %.20q is no number", code)}, broadcastPath(b.ID)}
		}
	}
	again, duplicate, err := app.Broadcasts.Replay(r.Context(), b.ID, which, gateway.IdentityFrom(r.Context()).Name())
	if err != nil {
		return notNow(err, b.ID)
	}
	app.broadcasts.forget()
	done := "sent-again"
	if duplicate {
		done = "sent-again-before"
	}
	redirect(w, r, broadcastPath(again.ID), done)
	return nil
}

// recallTime limits the recall of one request; [actionTime] leaves time for the response.
const recallTime = 20 * time.Second

// recallBroadcast recalls as many messages as possible within [recallTime].
func (p *Pages) recallBroadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	identity := gateway.IdentityFrom(r.Context())
	if err := gateway.Forbidden(r.Context(), activity.RecallBroadcast, b.ID, identity.AllowOn(b.Spec.CreatedBy)); err != nil {
		return notNow(err, b.ID)
	}
	ctx, cancel := context.WithTimeout(r.Context(), recallTime)
	defer cancel()
	result, err := app.Broadcasts.Recall(ctx, b.ID, identity.Name(), nil)
	app.broadcasts.forget()
	switch {
	case err != nil && result.ID == "":
		return notNow(err, b.ID)
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return &refusal{"The recall was interrupted; press again to continue", []string{err.Error()}, broadcastPath(b.ID)}
	case len(result.Problems) > 0:
		var reasons []string
		for _, problem := range result.Problems {
			reasons = append(reasons, problem.MsgID+": "+problem.Reason)
		}
		return &refusal{"WeCom did not recall all of it", reasons, broadcastPath(b.ID)}
	case result.Left > 0:
		redirect(w, r, broadcastPath(b.ID), "recalled-in-part")
	default:
		redirect(w, r, broadcastPath(b.ID), "broadcast-recalled")
	}
	return nil
}
