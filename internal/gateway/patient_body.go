package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/problem"
)

// idleTime is how long a stream may be idle, in either direction, before it is
// closed.
const idleTime = 30 * time.Second

// patientBody is a body whose reader waits up to [idleTime] for each piece, and no
// longer than the process runs.
type patientBody struct {
	body     io.Reader
	conn     *http.ResponseController
	stopping <-chan struct{}

	mu      sync.Mutex
	stopped bool
	done    chan struct{}
}

// newPatientBody starts watching for the end of the process; the caller must close
// it.
func newPatientBody(w http.ResponseWriter, r *http.Request, stopping <-chan struct{}) *patientBody {
	b := &patientBody{body: r.Body, conn: http.NewResponseController(w), stopping: stopping, done: make(chan struct{})}
	go b.watch()
	return b
}

// watch unblocks the reader when the process stops.
func (b *patientBody) watch() {
	select {
	case <-b.done:
	case <-b.stopping:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.stopped = true
		_ = b.conn.SetReadDeadline(time.Now())
	}
}

func (b *patientBody) close() { close(b.done) }

// Read waits for the next piece.
func (b *patientBody) Read(p []byte) (int, error) {
	if !b.await() {
		return 0, problem.ErrStopping
	}
	n, err := b.body.Read(p)
	if timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && timeout.Timeout() {
		if b.await() {
			err = fmt.Errorf("%w: nothing for %s", problem.ErrSlow, idleTime)
		} else {
			err = problem.ErrStopping
		}
	}
	return n, err
}

// await extends the deadline, unless the process is stopping.
func (b *patientBody) await() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = b.conn.SetReadDeadline(time.Now().Add(idleTime))
	}
	return !b.stopped
}
