package intake

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/problem"
)

// Stream is a body of which little is kept in memory at a time. It ends with [problem.ErrStopping] when the
// process stops.
type Stream struct {
	*Body

	conn *http.ResponseController
	done chan struct{}

	mu      sync.Mutex
	stopped bool
}

// NewStream starts watching for the end of the process; the caller must end the stream.
func NewStream(w http.ResponseWriter, r *http.Request, pace Pace, stopping <-chan struct{}) *Stream {
	s := &Stream{conn: http.NewResponseController(w), done: make(chan struct{})}
	s.Body = &Body{ReadCloser: r.Body, pace: pace, arm: s.arm}
	go s.watch(stopping)
	return s
}

// watch unblocks the reader when the process stops.
func (s *Stream) watch(stopping <-chan struct{}) {
	select {
	case <-s.done:
	case <-stopping:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopped = true
		_ = s.conn.SetReadDeadline(time.Now())
	}
}

// End stops watching.
func (s *Stream) End() { close(s.done) }

// Read waits for the next piece, as long as the pace allows and the process runs.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.Body.Read(p)
	if errors.Is(err, problem.ErrSlow) && s.isStopped() {
		err = problem.ErrStopping
	}
	return n, err
}

// Restart restarts the pace after the awaited data has arrived.
func (s *Stream) Restart() { s.waited, s.read = 0, 0 }

// arm sets the deadline, unless the process is stopping.
func (s *Stream) arm(deadline time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return problem.ErrStopping
	}
	_ = s.conn.SetReadDeadline(deadline) // the writers of some tests support none
	return nil
}

func (s *Stream) isStopped() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}
