package wecomtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/tolerance"
)

// maxBody bounds a JSON body: eight mpnews articles of 666 KB fit.
const maxBody = 8 << 20

// call is one API request being processed.
type call struct {
	sim *Simulator
	api string // "message/send"
	w   http.ResponseWriter
	r   *http.Request
	ip  string

	dir  *directory // the rules in force for the whole call
	app  *app       // once the token is known
	raw  []byte     // the body, unless it is an upload
	fail error      // why the body could not be read

	cleared <-chan struct{} // closed when the fault that hit the call is removed

	body   tolerance.Object
	parsed bool
}

func (s *Simulator) newCall(api string, w http.ResponseWriter, r *http.Request) *call {
	c := &call{sim: s, api: api, w: w, r: r, ip: r.RemoteAddr, dir: s.directory.Load()}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.ip = host
	}
	if api == apiUpload {
		return c // its body is streamed
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		c.fail = refuse(40206, "request body over %d bytes", maxBody)
	} else if err != nil {
		c.fail = refuse(40058, "request body broke off")
	}
	c.raw = raw
	return c
}

// object is the body as JSON, parsed at most once.
func (c *call) object() (tolerance.Object, error) {
	if !c.parsed && c.fail == nil {
		c.body, c.fail = tolerance.Parse(c.raw)
	}
	c.parsed = true
	return c.body, c.fail
}

// warned reports whether the body had tolerated errors.
func (c *call) warned() bool { return c.body.Wrong() }

// sleep waits until the client disconnects or the fault that delays the call is removed, for d at most. The
// work continues even if the client has gone: a server does not notice in time.
func (c *call) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.cleared:
	case <-c.r.Context().Done():
	}
}

func (c *call) latency() time.Duration {
	d := time.Duration(c.dir.rules.Latency)
	if jitter := int64(c.dir.rules.Jitter); jitter > 0 {
		d += time.Duration(rand.Int64N(jitter + 1)) //nolint:gosec // jitter needs no secrecy
	}
	return d
}

// drop ends the call without an answer: the client sees its connection reset. If the connection cannot be
// hijacked (HTTP/2, a recorder in a test), the answer is a bare 502, which tells the client just as little.
func (c *call) drop() {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		c.w.WriteHeader(http.StatusBadGateway)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // RST instead of FIN
	}
	_ = conn.Close()
}
