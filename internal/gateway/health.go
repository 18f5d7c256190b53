package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// readyTime is the time limit of a readiness check, so that no probe hangs.
const readyTime = 3 * time.Second

// briefError has a short text without host names, which is public.
type briefError interface {
	error
	Brief() string
}

// serveHealth serves the probes under the paths that Kubernetes and Prometheus use.
func (g *Gateway) serveHealth() {
	healthy := func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }
	for _, path := range []string{"/healthz", "/-/healthy"} {
		g.mux.HandleFunc("GET "+path, healthy)
	}
	for _, path := range []string{"/readyz", "/-/ready"} {
		g.mux.HandleFunc("GET "+path, g.ready)
	}
}

// ready reports whether messages can be stored now.
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
