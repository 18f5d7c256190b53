package gateway

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Of logins that fail, and of the acts that a token may not do, so many at once, and one in so
// long, are recorded: nobody may fill the trail, or make Redis write for each attempt.
const (
	refusalsAtOnce = 30
	refusalPeriod  = time.Minute
)

func newRefusalLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(refusalPeriod), refusalsAtOnce)
}

// maxRefused bounds the names whose refused acts are counted.
const maxRefused = 1000

// refusals bound how many acts that were refused each token writes into the trail: nobody may
// push out what others did, or was done with the same token. The others are in the access log.
type refusals struct {
	mu     sync.Mutex
	byName map[string]*rate.Limiter
}

// of is the bound of a token.
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
