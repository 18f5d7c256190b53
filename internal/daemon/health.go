package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redisconn"
)

// healthHandler serves health and metrics of a worker. ready says why nothing can be
// stored, nil if it can.
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

// brief is an error for those who do not know where Redis is.
func brief(err error) string {
	if dial, ok := errors.AsType[*redisconn.DialError](err); ok {
		return dial.Brief()
	}
	return http.StatusText(http.StatusServiceUnavailable)
}
