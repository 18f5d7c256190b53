package gateway

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// readyTime bounds the look at Redis; a probe should not hang.
const readyTime = 2 * time.Second

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
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	_, _ = fmt.Fprintln(w, "ok")
}
