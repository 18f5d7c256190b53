package pages

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
)

// newPath is where a broadcast is written.
const newPath = "/broadcasts/new"

// checksAtOnce is how many lists are checked at once; each takes some 30 MB of memory.
const checksAtOnce = 4

// newView is the page on which a broadcast is written, checked and sent.
type newView struct {
	Form  draftForm
	Apps  []string
	Types []message.Type
	// Pasted is the list if the form can show it again; ListGone says that it cannot.
	Pasted   string
	ListGone bool

	Flaws   []flaw
	List    *compose.ListError
	Sent    *broadcast.Broadcast // that this form has become before
	Summary *compose.Summary
	Checked *broadcastView // nil before a check has succeeded
}

func newViewFor(identity *gateway.Identity) *newView {
	return &newView{
		Form: draftForm{"key": rand.Text(), "type": string(message.TypeText)}, Types: draftTypes, Apps: identity.Apps(),
	}
}

func (p *Pages) newBroadcast(w http.ResponseWriter, r *http.Request) error {
	// A browser that goes back finds this form, and not a new one with the old words in it.
	w.Header().Set("Cache-Control", "private, no-cache")
	return p.render(w, r, http.StatusOK, "new", view{Data: newViewFor(gateway.IdentityFrom(r.Context()))})
}

// checkBroadcast checks a form and its list. If both are good it stores them, so that
// exactly what was checked can be sent: see [Pages.startBroadcast].
func (p *Pages) checkBroadcast(w http.ResponseWriter, r *http.Request) error {
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	default:
		return &refusal{"Too many lists are being checked; try again in a moment", nil, newPath}
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return &refusal{"The form did not arrive", []string{err.Error()}, newPath}
	}
	identity := gateway.IdentityFrom(r.Context())
	c := &check{newView: newViewFor(identity), identity: identity, apps: p.mine(identity)}
	err = c.run(r.Context(), parts)
	_, _ = io.Copy(io.Discard, r.Body) // a browser that still sends does not read the answer
	switch list, bad := errors.AsType[*compose.ListError](err); {
	case bad:
		c.List = list
	case err != nil && !errors.Is(err, errFlaws):
		return err
	}
	status := http.StatusOK
	if err != nil {
		status = http.StatusUnprocessableEntity
	}
	return p.render(w, r, status, "new", view{Data: c.newView})
}

// startBroadcast sends what was checked.
func (p *Pages) startBroadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if errors.Is(err, broadcast.ErrNotFound) {
		return &refusal{"It was checked over an hour ago; check it again", nil, newPath}
	}
	if err != nil {
		return err
	}
	if b.Spec.CreatedBy != gateway.IdentityFrom(r.Context()).Name() {
		return &refusal{"Somebody else has checked it", nil, newPath}
	}
	if err = broadcast.ErrChanged; b.Spec.NeedsApproval || !app.Broadcasts.MustBeApproved(b.Recipients) {
		_, err = app.Broadcasts.Start(r.Context(), b.ID, r.PostFormValue("digest"))
	}
	if errors.Is(err, broadcast.ErrChanged) && b.State != broadcast.Creating {
		return &refusal{"Another check of this form was sent; what this button stood for is not sent", nil, broadcastPath(b.ID)}
	}
	if errors.Is(err, broadcast.ErrChanged) {
		return &refusal{"It has changed since it was checked; check it again", nil, newPath}
	}
	if err != nil {
		return err
	}
	app.broadcasts.forget()
	redirect(w, r, broadcastPath(b.ID), "created")
	return nil
}
