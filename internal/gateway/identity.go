package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/tasks"
)

// Identity is the client of a request: a token, and the apps that it may use.
type Identity struct {
	Token config.Token
	apps  []App // the token's apps that exist
	// refusals limits how many forbidden acts of the token are recorded in the trail.
	refusals *rate.Limiter

	person bool // logged in by a proxy
	// forbidden counts messages that the token may not send; nil for none.
	forbidden func(token, limit string)
}

// Person reports whether the client was logged in by a proxy, and has no token.
func (i *Identity) Person() bool { return i.person }

// Name returns the name of the token.
func (i *Identity) Name() string { return i.Token.Name }

// Has reports whether the token has a scope.
func (i *Identity) Has(scope config.Scope) bool { return slices.Contains(i.Token.Scopes, scope) }

// Apps returns the names of the apps that the token may use.
func (i *Identity) Apps() []string {
	names := make([]string, len(i.apps))
	for n, app := range i.apps {
		names[n] = app.Name
	}
	return names
}

// Allow returns an error if the token lacks a scope. The error lists the token's scopes.
func (i *Identity) Allow(scope config.Scope) error {
	if i.Has(scope) {
		return nil
	}
	return fmt.Errorf("%w: token %q lacks the scope %q; it has %s", problem.ErrForbidden, i.Name(), scope, list(i.Token.Scopes))
}

// AllowOn returns an error if the token may not recall an actor's messages; it may always recall its own.
// Messages of older versions do not name their sender.
func (i *Identity) AllowOn(actor string) error {
	if i.mayTakeBackAll() || actor != "" && actor == i.Name() {
		return nil
	}
	return fmt.Errorf("%w: it was not sent by token %q, which may take back only its own; the scope %q or %q allows it",
		problem.ErrForbidden, i.Name(), config.ScopeRecall, config.ScopeAdmin)
}

// Permit returns an error if the token may never send such a message, regardless of what it has sent before.
func (i *Identity) Permit(m tasks.Message) error {
	return i.counted(i.Token.Limits.Permit(i.Name(), m.Request.Common().Recipients(), m.Options.Priority))
}

// PermitBroadcast does the same for a broadcast to this number of recipients.
func (i *Identity) PermitBroadcast(recipients int) error {
	return i.counted(i.Token.Limits.PermitBroadcast(i.Name(), recipients))
}

// counted counts an error that says that the token may not send a message.
func (i *Identity) counted(err error) error {
	if forbidden, ok := errors.AsType[*budget.ForbiddenError](err); ok && i.forbidden != nil {
		i.forbidden(i.Name(), forbidden.Limit)
	}
	return err
}

func (i *Identity) mayTakeBackAll() bool {
	return i.Has(config.ScopeRecall) || i.Has(config.ScopeAdmin)
}

// App returns an app that the token may use. An empty name means the only one.
func (i *Identity) App(name string) (App, error) {
	if name == "" {
		if len(i.apps) == 1 {
			return i.apps[0], nil
		}
		return App{}, invalid("app", "missing; token %q may use %s", i.Name(), list(i.Apps()))
	}
	for _, app := range i.apps {
		if app.Name == name {
			return app, nil
		}
	}
	return App{}, fmt.Errorf("%w: token %q may not use the app %q, only %s", problem.ErrForbidden, i.Name(), name, list(i.Apps()))
}

func list[T ~string](words []T) string {
	if len(words) == 0 {
		return "none"
	}
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

// identityKey is the context key of the identity.
type identityKey struct{}

// IdentityFrom returns the identity of a request, or nil for a public [Route].
func IdentityFrom(ctx context.Context) *Identity {
	identity, _ := ctx.Value(identityKey{}).(*Identity)
	return identity
}

// withIdentity stores the identity in the request, and its name for the access log. The body read after it is
// charged to the token.
func (g *Gateway) withIdentity(r *http.Request, identity *Identity) *http.Request {
	g.used(identity)
	requestInfoFrom(r.Context()).token = identity.Name()
	identity.refusals, identity.forbidden = g.refusals.of(identity.Name()), g.services.Forbidden
	g.bodies.Identify(r.Context(), identity.Name())
	ctx := activity.Named(r.Context(), identity.Name())
	return r.WithContext(context.WithValue(ctx, identityKey{}, identity))
}

// used reports that a client was authenticated with a token.
func (g *Gateway) used(identity *Identity) {
	if g.services.TokenUsed != nil && !identity.Person() {
		g.services.TokenUsed(identity.Name())
	}
}

// identify returns the identity that a secret belongs to.
func (g *Gateway) identify(secret string) (*Identity, error) {
	settings := g.settings.Load()
	token, ok := settings.token(secret)
	switch {
	case ok && token.Expired(g.now()):
		return nil, fmt.Errorf("%w: it was %q, until %s; a new one comes from 'wecomq token new'", errTokenEnded, token.Name, token.Expires.Format(time.RFC3339))
	case ok:
		return settings.identity(token), nil
	case len(settings.Tokens) == 0:
		return nil, &hintedError{errNoToken, "the configuration has none; " + howToMakeToken}
	case secret == "":
		return nil, fmt.Errorf("%w: send 'Authorization: Bearer TOKEN'", problem.ErrUnauthorized)
	}
	return nil, &hintedError{errNoToken, howToMakeToken}
}

// hintedError adds a hint that is only for the operator.
type hintedError struct {
	error

	hint string
}

// Unwrap returns the error that may be shown to the client.
func (h *hintedError) Unwrap() error { return h.error }

// forLog is the text of an error for the log, including its hint.
func forLog(err error) string {
	if hinted, ok := errors.AsType[*hintedError](err); ok {
		return err.Error() + "; " + hinted.hint
	}
	return err.Error()
}

const howToMakeToken = "make one with TOKEN=$(openssl rand -hex 32), put its sha256 (printf %s \"$TOKEN\" | sha256sum) " +
	"under gateway.tokens, and reload with SIGHUP"

// identity returns a token with the apps that it may use.
func (s *Settings) identity(token config.Token) *Identity {
	i := &Identity{Token: token}
	for _, name := range token.Apps {
		if app, ok := s.app(name); ok {
			i.apps = append(i.apps, app)
		}
	}
	return i
}

// bearer returns the secret in a request's Authorization header, "" if there is none.
func bearer(r *http.Request) string {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}
