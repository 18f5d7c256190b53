package gateway

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

const (
	// retryTime is how long after an unanswered request an equal one counts as its repetition: Alertmanager waits
	// for up to 90 s between two attempts.
	retryTime = 90 * time.Second
	// maxUnanswered bounds how many such requests are remembered.
	maxUnanswered = 10_000
)

// unanswered has the sends in progress and those that got no answer. A client that repeats one of them continues
// the same message: it is unknown whether Redis has it, but under the same id it is stored once.
type unanswered struct {
	now func() time.Time

	mu       sync.Mutex
	attempts map[[sha256.Size]byte][]*attempt
	waiting  int       // how many have ended without an answer
	swept    time.Time // when old ones were last removed
}

// attempt is one request to send a message. The latest request for it owns it.
type attempt struct {
	key    [sha256.Size]byte
	id     string          // of the message
	client context.Context // ends when the client disconnects; nil once the request has ended
	until  time.Time       // after its end: how long it is remembered
}

// begin returns a new attempt, or continues the oldest unanswered one of an equal request. Each is continued by
// only one request: two equal requests are two messages.
func (u *unanswered) begin(client context.Context, key [sha256.Size]byte, app string) *attempt {
	u.mu.Lock()
	defer u.mu.Unlock()
	own := &attempt{key: key, id: tasks.NewID(app), client: client}
	now := u.now()
	for i, earlier := range u.attempts[key] {
		ended := earlier.client == nil
		if ended && now.After(earlier.until) || !ended && earlier.client.Err() == nil {
			continue
		}
		own.id = earlier.id
		if ended {
			u.waiting--
		}
		u.attempts[key][i] = own
		return own
	}
	u.attempts[key] = append(u.attempts[key], own)
	return own
}

// end ends an attempt, and removes it if the client was answered.
func (u *unanswered) end(a *attempt, answered bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now := u.now(); u.waiting >= maxUnanswered && now.Sub(u.swept) >= time.Second {
		u.sweep(now)
	}
	if answered || u.waiting >= maxUnanswered {
		u.keep(a.key, func(other *attempt) bool { return other != a })
		return
	}
	for _, owner := range u.attempts[a.key] {
		if owner == a {
			a.client, a.until = nil, u.now().Add(retryTime)
			u.waiting++
		}
	}
}

// sweep removes attempts that are too old.
func (u *unanswered) sweep(now time.Time) {
	u.swept = now
	for key := range u.attempts {
		u.keep(key, func(a *attempt) bool {
			old := a.client == nil && now.After(a.until)
			if old {
				u.waiting--
			}
			return !old
		})
	}
}

// keep keeps only the good attempts of a key.
func (u *unanswered) keep(key [sha256.Size]byte, good func(*attempt) bool) {
	var kept []*attempt
	for _, a := range u.attempts[key] {
		if good(a) {
			kept = append(kept, a)
		}
	}
	if u.attempts[key] = kept; len(kept) == 0 {
		delete(u.attempts, key)
	}
}

// enqueueOnce stores a message without an idempotency key. A request of the same token with the same bytes as an
// unanswered one counts as its repetition; status is the client's response to an error.
func (g *Gateway) enqueueOnce(
	ctx context.Context, app App, m tasks.Message, body []byte, status func(error) int,
) (tasks.Receipt, error) {
	about := app.Name + "\x00" + string(m.Options.Priority) + "\x00" + IdentityFrom(ctx).Name() + "\x00"
	attempt := g.unanswered.begin(ctx, sha256.Sum256(append([]byte(about), body...)), app.Name)
	m.ID = attempt.id
	receipt, err := g.enqueue(ctx, app, m)
	answered := ctx.Err() == nil && (err == nil || status(err) < http.StatusInternalServerError)
	g.unanswered.end(attempt, answered)
	return receipt, err
}
