package gateway

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits on recording failed logins and forbidden acts: a burst, and then one per interval. Nobody may fill the
// trail, or cause a write to Redis with each attempt.
const (
	refusalsAtOnce = 30
	refusalPeriod  = time.Minute
)

func newRefusalLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(refusalPeriod), refusalsAtOnce)
}

// maxRefused bounds the tokens whose forbidden acts are counted.
const maxRefused = 1000

// refusals limits how many forbidden acts of each token are recorded: nobody may push other acts out of the
// trail, of other tokens or of the same one. The rest is in the access log.
type refusals struct {
	mu     sync.Mutex
	byName map[string]*rate.Limiter
}

// of is the limit of a token.
func (r *refusals) of(name string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter, ok := r.byName[name]
	if !ok {
		if len(r.byName) >= maxRefused || r.byName == nil {
			r.byName = map[string]*rate.Limiter{}
		}
		limiter = newRefusalLimiter()
		r.byName[name] = limiter
	}
	return limiter
}
