package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/activity"
)

// sessionCookie holds a browser's session. It is an access token like those of WeCom's clients, so that the
// gateway stores no sessions and the browser no gateway token.
const sessionCookie = "wecomq_session"

const (
	// sessionLife is how long a session is valid.
	sessionLife = 12 * time.Hour
	// sessionTime limits a look-up or change of a session in Redis.
	sessionTime = 3 * time.Second
)

// OpenSession logs a browser in with a token, and returns its identity. The session ends when it expires or its
// token is removed.
func (g *Gateway) OpenSession(w http.ResponseWriter, r *http.Request, secret string) (*Identity, error) {
	identity, err := g.admit(r, DoorLogin, secret)
	if err != nil {
		requestInfoFrom(r.Context()).err = forLog(err)
		if g.failedLogins.Allow() { // the rest is in the access log
			activity.Record(r.Context(), activity.Login, "", "", err)
		}
		return nil, err
	}
	g.used(identity)
	activity.Record(activity.Named(r.Context(), identity.Name()), activity.Login, "", "", nil)
	value, err := sealAccess(identity.Token, access{secret: secret, expires: g.now().Add(sessionLife), session: true})
	if err != nil {
		return nil, err
	}
	setSession(w, value, int(sessionLife.Seconds()))
	return identity, nil
}

// CloseSession ends the session of a browser everywhere its cookie may be. If that fails, only the browser
// forgets the session.
func (g *Gateway) CloseSession(w http.ResponseWriter, r *http.Request) error {
	ForgetSession(w)
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || g.services.Sessions == nil {
		return nil
	}
	a, err := g.openSession(cookie.Value)
	if err != nil {
		return nil // it has ended
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), sessionTime)
	defer cancel()
	err = g.services.Sessions.End(ctx, sessionID(cookie.Value), a.expires.Sub(g.now()))
	if identity, known := g.identify(a.secret); known == nil {
		activity.Record(activity.Named(r.Context(), identity.Name()), activity.Logout, "", "", err)
	}
	return err
}

// ForgetSession deletes the cookie of a session that has just begun.
func ForgetSession(w http.ResponseWriter) { setSession(w, "", -1) }

func setSession(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // the recorder makes it Secure, unless all there is is a plain listener
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// openSession decodes the cookie of a session.
func (g *Gateway) openSession(value string) (access, error) {
	a, err := g.openAccess(value)
	if err == nil && !a.session {
		err = errNoAccessToken
	}
	return a, err
}

// sessionSecret returns the token of a session, "" if it has ended. It is an error if that cannot be determined:
// without Redis the pages have nothing to show anyway.
func (g *Gateway) sessionSecret(ctx context.Context, value string) (string, error) {
	a, err := g.openSession(value)
	if err != nil {
		return "", nil // it has ended
	}
	if g.services.Sessions == nil {
		return a.secret, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	ended, err := g.services.Sessions.Ended(ctx, sessionID(value))
	if ended || err != nil {
		return "", err
	}
	return a.secret, nil
}

// sessionID identifies a session without revealing it; each session has only one encoding.
func sessionID(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:16])
}
