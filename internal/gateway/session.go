package gateway

import (
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/activity"
)

// sessionCookie holds a browser's session. It is an access token like those of
// WeCom's clients, so that the gateway stores no sessions and the browser no gateway
// token.
const sessionCookie = "wecomq_session"

// sessionLife is how long a session is valid.
const sessionLife = 12 * time.Hour

// Of logins that fail so many at once, and one in so long, are recorded: nobody without a
// token may fill the trail, or make Redis write for each attempt.
const (
	failedLoginsAtOnce = 30
	failedLoginPeriod  = time.Minute
)

// OpenSession logs a browser in with a token, and returns its identity. The session
// ends when it expires or its token is removed.
func (g *Gateway) OpenSession(w http.ResponseWriter, r *http.Request, secret string) (*Identity, error) {
	identity, err := g.admit(r, DoorLogin, secret)
	if err != nil {
		requestInfoFrom(r.Context()).err = forLog(err)
		if g.failedLogins.Allow() { // the others are in the access log
			activity.Record(r.Context(), activity.Login, "", "", err)
		}
		return nil, err
	}
	activity.Record(activity.Named(r.Context(), identity.Name()), activity.Login, "", "", nil)
	value, err := sealAccess(identity.Token, access{secret: secret, expires: g.now().Add(sessionLife), session: true})
	if err != nil {
		return nil, err
	}
	setSession(w, value, int(sessionLife.Seconds()))
	return identity, nil
}

// CloseSession logs a browser out.
func CloseSession(w http.ResponseWriter) { setSession(w, "", -1) }

func setSession(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // the recorder makes it Secure, unless all there is is a plain listener
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

// sessionSecret returns the token of a session, "" if it has ended.
func (g *Gateway) sessionSecret(value string) string {
	a, err := g.openAccess(value)
	if err != nil || !a.session {
		return ""
	}
	return a.secret
}
