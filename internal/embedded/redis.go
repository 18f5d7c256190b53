package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often keys expire, and so how late one can expire.
const tick = 50 * time.Millisecond

// Redis is a running server.
type Redis struct {
	server *miniredis.Miniredis
	stop   func()
	clock  sync.WaitGroup
}

// Start starts a server on a free port of 127.0.0.1. The caller closes it.
func Start() (*Redis, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	closing := make(chan struct{})
	r := &Redis{server: server, stop: sync.OnceFunc(func() { close(closing) })}
	r.clock.Go(func() { r.run(closing) })
	return r, nil
}

// Addr returns host:port.
func (r *Redis) Addr() string { return r.server.Addr() }

// URL returns the address in the form of internal/redisconn.
func (r *Redis) URL() string { return "redis://" + r.Addr() + "/0" }

// Close ends the server and its connections, and returns when they have ended. A
// second call does nothing.
func (r *Redis) Close() {
	r.stop()
	r.clock.Wait()
	r.server.Close()
}

// run advances the server's clock until closing is closed.
func (r *Redis) run(closing <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-closing:
			return
		case <-ticker.C:
			now := time.Now()
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
