package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
)

// replay replays a message, and shows the new one.
func (p *Pages) replay(w http.ResponseWriter, r *http.Request) error {
	app, id, err := p.owner(r)
	if err != nil {
		return err
	}
	replays, err := app.Operator.Replay(r.Context(), id)
	if errors.Is(err, ledger.ErrNotReplayable) {
		return &refusal{"This message cannot be replayed", []string{err.Error()}, messagePath(id)}
	}
	if err != nil {
		return err
	}
	app.dead.forget()
	p.apps.Load().status.forget()
	redirect(w, r, messagePath(tasks.MessageID(replays[0].ReplayedAs)), "replayed")
	return nil
}

// recall recalls a message from WeCom's clients.
func (p *Pages) recall(w http.ResponseWriter, r *http.Request) error {
	return p.takeBack(w, r, Operator.Recall, "recalled", "This message cannot be recalled")
}

// cancel cancels a message that has not been sent.
func (p *Pages) cancel(w http.ResponseWriter, r *http.Request) error {
	return p.takeBack(w, r, Operator.Cancel, "cancelled", "This message cannot be cancelled")
}

func (p *Pages) takeBack(
	w http.ResponseWriter, r *http.Request, take func(Operator, context.Context, string) (operator.Recall, error), done, refused string,
) error {
	app, id, err := p.owner(r)
	if err != nil {
		return err
	}
	result, err := take(app.Operator, r.Context(), id)
	if err != nil {
		return err
	}
	var reasons []string
	for _, part := range result.Parts {
		if part.Result == operator.Failed {
			reasons = append(reasons, fmt.Sprintf("%s: %s. %s", part.ID, part.Reason, part.Hint))
		}
	}
	if len(reasons) > 0 {
		return &refusal{refused, reasons, messagePath(id)}
	}
	p.apps.Load().status.forget()
	redirect(w, r, messagePath(id), done)
	return nil
}

// pause stops an app on all hosts.
func (p *Pages) pause(w http.ResponseWriter, r *http.Request) error {
	return p.steer(w, r, States.Pause, "paused")
}

// resume ends any pause, penalty or suspension of an app.
func (p *Pages) resume(w http.ResponseWriter, r *http.Request) error {
	return p.steer(w, r, States.Resume, "resumed")
}

// steer pauses or resumes an app; the gateway has checked that the token may use it.
func (p *Pages) steer(w http.ResponseWriter, r *http.Request, do func(States, context.Context, string) error, done string) error {
	all := p.apps.Load()
	app, ok := all.byName[r.PathValue("app")]
	if !ok {
		return &refusal{"App not found", nil, "/"}
	}
	if err := do(all.states, r.Context(), app.Name); err != nil {
		return err
	}
	all.status.forget()
	redirect(w, r, "/apps/"+url.PathEscape(app.Name), done)
	return nil
}

func messagePath(id string) string { return "/messages/" + url.PathEscape(id) }

func redirect(w http.ResponseWriter, r *http.Request, path, done string) {
	http.Redirect(w, r, path+"?done="+done, http.StatusSeeOther) //nolint:gosec // path is made by messagePath, or constant
}
