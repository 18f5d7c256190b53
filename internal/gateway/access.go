package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/tracing"
)

// requestTime is the time limit of a request, from header to response. Streams extend their own deadlines.
const requestTime = 60 * time.Second

// ServeHTTP gives the request an id and a deadline, and writes one line to the access
// log when it is done.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	rec := g.newRecorder(w, r)
	r, info := withRequestInfo(rec, r)
	info.remote = g.settings.Load().clientAddress(r)
	r, span := g.beginSpan(r)
	r = g.recorded(r, info.remote)
	r, account := g.bodies.Open(r, info.remote)
	defer account.Release()
	setDeadlines(rec, r, began)
	defer func() {
		g.logAccess(r, rec, info, time.Since(began))
		endSpan(span, r, rec.status, info)
	}()
	defer g.rescue(rec, r)
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		g.fail(rec, r, fmt.Errorf("%w: Content-Encoding %.40q; send it without", problem.ErrMediaType, coding))
		return
	}
	g.mux.ServeHTTP(rec, withoutEmptySegments(r))
}

// recorded makes the client's acts recordable; its name is set later.
func (g *Gateway) recorded(r *http.Request, from string) *http.Request {
	if g.activity == nil {
		return r
	}
	return r.WithContext(g.activity.By(r.Context(), activity.Actor{Via: activity.Gateway, From: from}))
}

// setDeadlines limits the time of a request. A body that no handler reads gets the time of a stranger's:
// net/http reads it before it answers. A handler that reads the body extends the deadline as needed.
func setDeadlines(w http.ResponseWriter, r *http.Request, began time.Time) {
	conn, read := http.NewResponseController(w), requestTime
	if r.ContentLength != 0 {
		read = intake.Stranger.Grace
	}
	_ = conn.SetWriteDeadline(began.Add(requestTime)) // the writers of some tests support no deadlines
	_ = conn.SetReadDeadline(began.Add(read))
}

var slashes = regexp.MustCompile(`/{2,}`)

// withoutEmptySegments serves clients whose base URL ends in a slash. A redirect
// would not help them: many do not follow one after a POST.
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

// rescue answers a panic with a 500, unless the response has begun.
func (g *Gateway) rescue(w *recorder, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) //nolint:forbidigo // this tells net/http to drop the connection
	}
	err := fmt.Errorf("panic: %v", cause)
	g.log.Error().Str(fields.RequestID, requestInfoFrom(r.Context()).id).Err(err).Bytes("stack", debug.Stack()).Msg("request failed")
	if w.status == 0 {
		p := newProblem(r.Context(), err)
		p.Write(w)
	}
}

// logAccess writes a request's line to the access log. It leaves out the query, where
// WeCom's clients put secrets, and the body.
func (g *Gateway) logAccess(r *http.Request, w *recorder, info *requestInfo, took time.Duration) {
	level := levelOf(w.status)
	if quiet(r.URL.Path) && level == zerolog.InfoLevel {
		level = zerolog.DebugLevel
	}
	event := g.log.WithLevel(level).Str(fields.RequestID, info.id).Str("method", r.Method).Str("path", r.URL.Path).
		Int("status", w.status).Int64("bytes", w.bytes).Int64(fields.Duration, took.Milliseconds()).Str("remote", info.remote)
	for name, value := range map[string]string{
		"token": info.token, fields.App: info.app, fields.MessageID: info.message, "error": info.err, fields.TraceID: tracing.ID(r.Context()),
	} {
		if value != "" {
			event = event.Str(name, value)
		}
	}
	event.Msg("request")
}

// quiet reports whether a path is polled, by probes or Prometheus, and so not logged each time.
func quiet(path string) bool {
	return path == "/metrics" || path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/-/")
}
