package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

// idleTime is how long a stream may rest, in either direction, before it is cut.
const idleTime = 30 * time.Second

// Bounds of the lines that go into Redis at once: what a stream keeps in memory
// is this and one line more.
const (
	chunkLines = 500
	chunkBytes = 4 << 20
)

// line is one line of a batch. err is why it cannot be read.
type line struct {
	number int
	text   []byte
	err    error
}

// lines reads the lines of a stream, as many at once as have come by then.
type lines struct {
	in     *bufio.Reader
	number int
	failed error // after which nothing is read
}

func newLines(in io.Reader) *lines { return &lines{in: bufio.NewReaderSize(in, 64<<10)} }

// chunk gives the next lines, and io.EOF or another error after the last.
func (l *lines) chunk() ([]line, error) {
	var chunk []line
	for size := 0; len(chunk) < chunkLines && size < chunkBytes; {
		if len(chunk) > 0 && l.in.Buffered() == 0 {
			break // do not make those wait that have come
		}
		text, err := l.next()
		if err != nil {
			return chunk, err
		}
		size += len(text)
		next := line{number: l.number, text: bytes.TrimSpace(text)}
		if len(text) > message.MaxBodyBytes {
			next.text, next.err = nil, fmt.Errorf("%w: over %d bytes in one line", problem.ErrTooLarge, message.MaxBodyBytes)
		}
		if len(next.text) > 0 || next.err != nil {
			chunk = append(chunk, next)
		}
	}
	return chunk, nil
}

// next reads one line; what a line has beyond a message's limit is skipped.
func (l *lines) next() ([]byte, error) {
	if l.failed != nil {
		return nil, l.failed
	}
	var text []byte
	for {
		part, err := l.in.ReadSlice('\n')
		if len(text) <= message.MaxBodyBytes {
			text = append(text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		l.failed = err
		if err != nil && (len(text) == 0 || !errors.Is(err, io.EOF)) {
			return nil, err // a line that was cut off is no line
		}
		l.number++
		if l.number == 1 {
			text = bytes.TrimPrefix(text, []byte("\ufeff")) // what Windows puts at the beginning
		}
		return text, nil
	}
}

// patientBody is a body whose reader waits for each piece, but not for ever, and
// not beyond the end of the process.
type patientBody struct {
	body     io.Reader
	conn     *http.ResponseController
	stopping <-chan struct{}

	mu      sync.Mutex
	stopped bool
	done    chan struct{}
}

// newPatientBody needs a close.
func newPatientBody(w http.ResponseWriter, r *http.Request, stopping <-chan struct{}) *patientBody {
	b := &patientBody{body: r.Body, conn: http.NewResponseController(w), stopping: stopping, done: make(chan struct{})}
	go b.watch()
	return b
}

// watch wakes the reader when the process stops.
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

// await moves the deadline, unless the process stops.
func (b *patientBody) await() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stopped {
		_ = b.conn.SetReadDeadline(time.Now().Add(idleTime))
	}
	return !b.stopped
}
