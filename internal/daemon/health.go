package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redisconn"
)

// healthHandler serves health and metrics of a worker. ready returns why Redis cannot
// store anything, nil if it can.
func healthHandler(metrics http.Handler, ready func(context.Context) error, log zerolog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			log.Warn().Err(err).Msg("not ready")
			http.Error(w, brief(err), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}

// brief describes an error without the address of Redis, because the probe is public.
func brief(err error) string {
	if dial, ok := errors.AsType[*redisconn.DialError](err); ok {
		return dial.Brief()
	}
	return http.StatusText(http.StatusServiceUnavailable)
}
