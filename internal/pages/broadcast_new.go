package pages

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/message"
)

// newPath is the path of the form for a broadcast.
const newPath = "/broadcasts/new"

// checksAtOnce is how many lists are checked at once; each takes some 30 MB of memory.
const checksAtOnce = 4

// newView is the page for writing, checking and sending a broadcast.
type newView struct {
	Form      draftForm
	Apps      []string
	Types     []message.Type
	Zones     string // of the hours
	Encodings []string
	MaxList   int
	// Pasted is the pasted list, if the form can show it again; ListGone is set if it cannot.
	Pasted   string
	ListGone bool

	Flaws   []flaw
	List    *compose.ListError
	Sent    *broadcast.Broadcast // the broadcast that this form has already created
	Summary *compose.Summary
	Checked *broadcastView // nil until a check has succeeded
}

func newViewFor(apps []*watched, key string) *newView {
	v := &newView{
		Form: draftForm{"key": key, "type": string(message.TypeText)}, Types: draftTypes,
		Zones: zonesOf(apps), Encodings: compose.Encodings(), MaxList: maxList,
	}
	for _, app := range apps {
		v.Apps = append(v.Apps, app.Name)
	}
	return v
}

// zonesOf names the time zones of the hours: those of the apps.
func zonesOf(apps []*watched) string {
	var zones, each []string
	for _, app := range apps {
		zone := app.Broadcasts.Zone.String()
		if !slices.Contains(zones, zone) {
			zones = append(zones, zone)
		}
		each = append(each, app.Name+" "+zone)
	}
	if len(zones) == 1 {
		return zones[0]
	}
	return strings.Join(each, ", ")
}

// newBroadcast shows an empty form. Its address identifies it: going back in the browser leads to the same form,
// not to a copy of it that could be sent once more.
func (p *Pages) newBroadcast(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	key := query.Get("form")
	if key == "" {
		query.Set("form", rand.Text())
		http.Redirect(w, r, newPath+"?"+query.Encode(), http.StatusSeeOther) //nolint:gosec // the path is constant
		return nil
	}
	return p.render(w, r, http.StatusOK, "new", view{Data: newViewFor(p.mine(gateway.IdentityFrom(r.Context())), key)})
}

// maxUnread is how many more bytes are read, and dropped, of a form that is refused: a browser reads no response
// before it has sent everything.
const maxUnread = 1 << 30

// checkBroadcast checks a form and its list. If both are valid it stores them, so that exactly what was checked
// can be sent: see [Pages.startBroadcast].
func (p *Pages) checkBroadcast(w http.ResponseWriter, r *http.Request) error {
	c, err := p.check(r)
	_, _ = io.CopyN(io.Discard, r.Body, maxUnread)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime)) // the writers of some tests support no deadlines
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

// check reads and checks a form, of at most maxList bytes.
func (p *Pages) check(r *http.Request) (*check, error) {
	select {
	case p.checks <- struct{}{}:
		defer func() { <-p.checks }()
	default:
		return nil, &refusal{"Too many lists are being checked; try again in a moment", nil, newPath}
	}
	bounded := r.WithContext(r.Context())
	bounded.Body = http.MaxBytesReader(nil, r.Body, maxList) // with a writer it would close the connection
	parts, err := bounded.MultipartReader()
	if err != nil {
		return nil, &refusal{"The form did not arrive", []string{err.Error()}, newPath}
	}
	identity := gateway.IdentityFrom(r.Context())
	apps := p.mine(identity)
	c := &check{newView: newViewFor(apps, ""), identity: identity, apps: apps}
	return c, c.run(r.Context(), parts)
}

// unmade says how to handle a broadcast that could not be stored, or started; "" for any other error.
func unmade(err error) string {
	switch {
	case errors.Is(err, broadcast.ErrKeyInUse):
		return "This form is being checked in another window; check it again when that is done"
	case errors.Is(err, broadcast.ErrChanged):
		return "It has changed since it was checked; check it again"
	case errors.Is(err, broadcast.ErrLost):
		return "Redis lost part of it, and nothing was sent; check it again"
	case errors.Is(err, broadcast.ErrGivenUp), errors.Is(err, broadcast.ErrNotFound):
		return "The check is more than an hour old; check it again"
	}
	return ""
}

// startBroadcast sends the checked broadcast.
func (p *Pages) startBroadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err == nil {
		err = start(r, app, b)
	}
	if what := unmade(err); what != "" {
		return &refusal{what, nil, newPath}
	}
	if err != nil {
		return withinLimits(err, b)
	}
	app.broadcasts.forget()
	redirect(w, r, broadcastPath(b.ID), "created")
	return nil
}

// withinLimits returns a refusal if the limits of the token do not allow an action.
func withinLimits(err error, b *broadcast.Broadcast) error {
	if budget.IsLimit(err) {
		return &refusal{"A limit of your token does not allow this", []string{err.Error()}, broadcastPath(b.ID)}
	}
	return err
}

// start starts a broadcast, if it is the one that the button was shown for.
func start(r *http.Request, app *watched, b *broadcast.Broadcast) error {
	if b.Spec.CreatedBy != gateway.IdentityFrom(r.Context()).Name() {
		return &refusal{"Somebody else has checked it", nil, newPath}
	}
	if !b.Spec.NeedsApproval && app.Broadcasts.MustBeApproved(b.Recipients) {
		return broadcast.ErrChanged
	}
	_, err := app.Broadcasts.Start(r.Context(), b.ID, r.PostFormValue("digest"))
	if errors.Is(err, broadcast.ErrChanged) && b.State != broadcast.Creating {
		return &refusal{"Another check of this form has been sent; the one behind this button was not", nil, broadcastPath(b.ID)}
	}
	return err
}

// testBroadcast sends the checked broadcast to one user, as others would get it.
func (p *Pages) testBroadcast(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	switch {
	case err != nil:
		return err
	case b.Spec.CreatedBy != gateway.IdentityFrom(r.Context()).Name():
		return &refusal{"Somebody else has checked it", nil, newPath}
	case b.State != broadcast.Creating:
		return &refusal{"Not possible now", nil, broadcastPath(b.ID)}
	}
	err = app.Broadcasts.Test(r.Context(), b, strings.TrimSpace(r.PostFormValue("to")), nil)
	_, failed := errors.AsType[*broadcast.TestError](err)
	_, wrong := errors.AsType[*message.ValidationError](err)
	if failed || wrong {
		return &refusal{"The test was refused", []string{err.Error()}, broadcastPath(b.ID)}
	}
	if err != nil {
		return withinLimits(err, b)
	}
	redirect(w, r, broadcastPath(b.ID), "tested")
	return nil
}
