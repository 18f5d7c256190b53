package gateway

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/tracing"
)

// requestTime bounds a request from its header to its answer. Those that stream
// move their own deadlines.
const requestTime = 60 * time.Second

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter

	status int
	bytes  int64
}

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ServeHTTP gives the request an id and a deadline, and writes one line about it
// when it is done.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	rec := &recorder{ResponseWriter: w}
	r, t := withRequestInfo(rec, r)
	r, span := g.beginSpan(r)
	r, held := g.withBodyBudget(r)
	defer held.release()
	// Writers that know no deadlines, as in tests, go without.
	_ = http.NewResponseController(rec).SetWriteDeadline(began.Add(requestTime))
	_ = http.NewResponseController(rec).SetReadDeadline(began.Add(requestTime))
	defer func() {
		g.logAccess(r, rec, t, time.Since(began))
		endSpan(span, r, rec.status, t)
	}()
	defer g.rescue(rec, r)
	g.mux.ServeHTTP(rec, withoutEmptySegments(r))
}

var slashes = regexp.MustCompile(`/{2,}`)

// withoutEmptySegments serves clients whose base URL ends in a slash: many follow no
// redirect of a POST.
func withoutEmptySegments(r *http.Request) *http.Request {
	if r.URL.RawPath != "" || !strings.Contains(r.URL.Path, "//") {
		return r
	}
	clean := r.WithContext(r.Context())
	u := *r.URL
	u.Path = slashes.ReplaceAllString(u.Path, "/")
	clean.URL = &u
	return clean
}

// rescue turns a panic into a 500, if nothing was answered yet.
func (g *Gateway) rescue(w *recorder, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) //nolint:forbidigo // it is how net/http is told to drop a connection
	}
	err := fmt.Errorf("panic: %v", cause)
	g.log.Error().Str(fields.RequestID, requestInfoFrom(r.Context()).id).Err(err).Bytes("stack", debug.Stack()).Msg("request failed")
	if w.status == 0 {
		p := newProblem(r.Context(), err)
		p.Write(w)
	}
}

// logAccess writes the line about a request: no query, in which WeCom's clients
// put secrets, and no body.
func (g *Gateway) logAccess(r *http.Request, w *recorder, t *requestInfo, took time.Duration) {
	level := levelOf(w.status)
	if quiet(r.URL.Path) && level == zerolog.InfoLevel {
		level = zerolog.DebugLevel
	}
	event := g.log.WithLevel(level).Str(fields.RequestID, t.id).Str("method", r.Method).Str("path", r.URL.Path).
		Int("status", w.status).Int64("bytes", w.bytes).Int64(fields.Duration, took.Milliseconds()).Str("remote", remote(r))
	for name, value := range map[string]string{
		"token": t.token, fields.App: t.app, "error": t.err, fields.TraceID: tracing.ID(r.Context()),
	} {
		if value != "" {
			event = event.Str(name, value)
		}
	}
	event.Msg("request")
}

// quiet are the paths that are asked for all day.
func quiet(path string) bool {
	return path == "/metrics" || path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/-/")
}

func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
