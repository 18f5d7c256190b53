package gateway

import (
	"errors"
	"net/http"

	"github.com/wecomq/wecomq/internal/problem"
)

// Door is a place where clients authenticate with a token.
type Door string

// The doors.
const (
	DoorLogin    Door = "login"    // of the pages
	DoorBearer   Door = "bearer"   // of the REST API, and of the pages
	DoorGetToken Door = "gettoken" // of the WeCom-compatible API
	DoorWebhook  Door = "webhook"
	DoorPush     Door = "push"
)

// Doors lists all doors.
func Doors() []Door { return []Door{DoorLogin, DoorBearer, DoorGetToken, DoorWebhook, DoorPush} }

// unguessable is the length from which a token cannot be guessed: 'wecomq token new' makes twice as many characters.
const unguessable = 32

// admit returns the identity that a secret belongs to, or makes the client's address wait if many wrong ones
// have come from it.
//
// A correct token that cannot be guessed never has to wait: otherwise anybody who shares its address, as behind
// a NAT, could block it. A shorter one has to wait like a wrong one, unless it was used from that address
// before; otherwise the wait would not slow down a client that tries them all.
func (g *Gateway) admit(r *http.Request, door Door, secret string) (*Identity, error) {
	identity, err := g.identify(secret)
	if secret == "" || err == nil && len(secret) >= unguessable {
		return identity, err
	}
	info := requestInfoFrom(r.Context())
	wait, first := g.guesses.Judge(info.remote, secret, err == nil || errors.Is(err, errTokenEnded), g.now())
	if first {
		g.log.Warn().Str("remote", info.remote).Str("door", string(door)).Msg("many wrong tokens come from this address; it has to wait before further tokens are checked")
	}
	if wait > 0 {
		identity, err = nil, &problem.WaitError{Err: problem.ErrGuessing, After: wait}
	}
	if err != nil && g.services.AuthFailed != nil {
		g.services.AuthFailed(door)
	}
	return identity, err
}
