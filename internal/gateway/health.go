package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// readyTime bounds the look at Redis; a probe should not hang.
const readyTime = 3 * time.Second

// briefError is one that says in few words, without names of hosts, what may be
// told to anybody.
type briefError interface {
	error
	Brief() string
}

// serveHealth serves the probes under the names of Kubernetes and of Prometheus.
func (g *Gateway) serveHealth() {
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }
	for _, path := range []string{"/healthz", "/-/healthy"} {
		g.mux.HandleFunc("GET "+path, healthy)
	}
	for _, path := range []string{"/readyz", "/-/ready"} {
		g.mux.HandleFunc("GET "+path, g.ready)
	}
}

// ready says whether a message that comes now can be stored.
func (g *Gateway) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	select {
	case <-g.stopping:
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	default:
	}
	if g.services.Ready != nil {
		if err := g.services.Ready(ctx); err != nil {
			requestInfoFrom(ctx).err = err.Error()
			text := "not ready; the log says why"
			if short, ok := errors.AsType[briefError](err); ok {
				text = short.Brief()
			}
			http.Error(w, text, http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = fmt.Fprintln(w, "ok")
}
