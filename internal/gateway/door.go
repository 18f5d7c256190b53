package gateway

import (
	"errors"
	"net/http"

	"github.com/wecomq/wecomq/internal/problem"
)

// Door is where a client shows a token.
type Door string

// The doors.
const (
	DoorLogin    Door = "login"    // of the pages
	DoorBearer   Door = "bearer"   // of the REST API, and of the pages
	DoorGetToken Door = "gettoken" // of the WeCom-compatible API
	DoorWebhook  Door = "webhook"
	DoorPush     Door = "push"
)

// Doors lists all of them.
func Doors() []Door { return []Door{DoorLogin, DoorBearer, DoorGetToken, DoorWebhook, DoorPush} }

// unguessable is the length from which on a token cannot be found by trying: 'wecomq token
// new' makes twice as many characters.
const unguessable = 32

// admit returns the identity that a secret belongs to, or makes its address wait from which
// many wrong ones have come.
//
// A right token that nobody can guess is never made to wait: whoever shares its address, as
// behind a NAT, could stop it otherwise. A shorter one has to wait like a wrong one, or the
// wait would slow nobody down who tries them all, unless it came from there before.
func (g *Gateway) admit(r *http.Request, door Door, secret string) (*Identity, error) {
	identity, err := g.identify(secret)
	if secret == "" || err == nil && len(secret) >= unguessable {
		return identity, err
	}
	info := requestInfoFrom(r.Context())
	wait, first := g.guesses.Judge(info.remote, secret, err == nil || errors.Is(err, errTokenEnded), g.now())
	if first {
		g.log.Warn().Str("remote", info.remote).Str("door", string(door)).Msg("many wrong tokens come from this address; it has to wait before more are looked at")
	}
	if wait > 0 {
		identity, err = nil, &problem.WaitError{Err: problem.ErrGuessing, After: wait}
	}
	if err != nil && g.services.AuthFailed != nil {
		g.services.AuthFailed(door)
	}
	return identity, err
}
