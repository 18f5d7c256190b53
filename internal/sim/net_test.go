package sim_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net"
	"sync"
	"time"
)

var errSevered = errors.New("the network of this process is gone")

// network connects one process to everything else. It counts the steps of the process: each time that it sends
// data about a message, to Redis or to WeCom.
type network struct {
	mu     sync.Mutex
	conns  map[*line]struct{}
	dead   bool
	died   chan struct{}      // closed when dead becomes true
	away   map[bool]time.Time // until when Redis (true) or WeCom is unreachable
	steps  int                // so far
	faults map[int]outcome    // by step
}

// outcome is what becomes of a step.
type outcome int

const (
	passes    outcome = iota
	cutBefore         // the connection breaks, and nothing has arrived
	cutAfter          // the data has arrived, and the reply is lost
	dieBefore         // the process ends before the step
	dieAfter          // the process ends right after it
)

func newNetwork(faults map[int]outcome) *network {
	return &network{conns: map[*line]struct{}{}, away: map[bool]time.Time{}, died: make(chan struct{}), faults: faults}
}

// dialer dials over this network.
func (n *network) dialer(toRedis bool, dial func() (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.dead || time.Now().Before(n.away[toRedis]) {
			return nil, errSevered
		}
		inner, err := dial()
		if err != nil {
			return nil, err
		}
		l := &line{Conn: inner, network: n, toRedis: toRedis, more: make(chan struct{}, 1), ended: make(chan struct{})}
		n.conns[l] = struct{}{}
		go l.pump()
		return l, nil
	}
}

// open reports whether Redis can be reached.
func (n *network) open() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.dead && !time.Now().Before(n.away[true])
}

// next returns the outcome of data that is about to be sent.
func (n *network) next(said []byte) outcome {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		return dieBefore
	}
	if !aboutAMessage(said) {
		return passes
	}
	n.steps++
	return n.faults[n.steps]
}

// aboutAMessage recognises calls of WeCom, and the id of a message, which begins with its app and a time.
func aboutAMessage(said []byte) bool {
	return bytes.Contains(said, []byte("ops-")) || bytes.Contains(said, []byte("hr-")) || bytes.HasPrefix(said, []byte("POST "))
}

// sever closes all connections for ever.
func (n *network) sever() {
	n.mu.Lock()
	if !n.dead {
		n.dead = true
		close(n.died)
	}
	n.mu.Unlock()
	n.cut(true)
	n.cut(false)
}

// cut closes all connections to Redis, or to WeCom.
func (n *network) cut(toRedis bool) {
	n.mu.Lock()
	conns := maps.Clone(n.conns)
	n.mu.Unlock()
	for l := range conns {
		if l.toRedis == toRedis {
			_ = l.Close()
		}
	}
}

// disconnect makes Redis, or WeCom, unreachable for a while.
func (n *network) disconnect(toRedis bool, d time.Duration) {
	n.mu.Lock()
	n.away[toRedis] = time.Now().Add(d)
	n.mu.Unlock()
	n.cut(toRedis)
}

// line is the process's end of a connection. Unlike those of net.Pipe, its writes do not wait for the reader:
// both ends of a pipeline would wait for each other.
type line struct {
	net.Conn

	network *network
	toRedis bool
	more    chan struct{} // signals that there is something to send
	ended   chan struct{} // closed when the line is closed
	end     sync.Once

	mu     sync.Mutex
	queued []byte
	last   bool // no reply may arrive any more; the line closes once everything is sent
}

func (l *line) Write(b []byte) (int, error) {
	what := l.network.next(b)
	if what == cutBefore || what == dieBefore {
		l.fail(what)
		return 0, errSevered
	}
	l.mu.Lock()
	if l.last {
		l.mu.Unlock()
		return 0, errSevered
	}
	l.queued = append(l.queued, b...)
	l.last = what != passes
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default: // already signalled
	}
	if what == dieAfter {
		<-l.ended
		l.fail(what)
	}
	return len(b), nil
}

// fail closes the line, and ends the process if that is its outcome.
func (l *line) fail(what outcome) {
	_ = l.Close()
	if what == dieBefore || what == dieAfter {
		l.network.sever()
	}
}

// pump sends the written data.
func (l *line) pump() {
	for {
		select {
		case <-l.more:
		case <-l.ended:
			return
		}
		l.mu.Lock()
		b, last := l.queued, l.last
		l.queued = nil
		l.mu.Unlock()
		if last {
			go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(l.Conn) }() // replies are lost
		}
		if _, err := l.Conn.Write(b); err != nil || last {
			_ = l.Close()
		}
	}
}

func (l *line) Read(b []byte) (int, error) {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if last {
		<-l.ended
		return 0, errSevered
	}
	return l.Conn.Read(b)
}

func (l *line) Close() error {
	l.end.Do(func() { close(l.ended) })
	l.network.mu.Lock()
	delete(l.network.conns, l)
	l.network.mu.Unlock()
	return l.Conn.Close()
}

// listener returns connections in memory; it is the network side of the simulated WeCom.
type listener struct {
	conns chan net.Conn
	ended chan struct{}
	end   sync.Once
}

func newListener() *listener {
	return &listener{conns: make(chan net.Conn), ended: make(chan struct{})}
}

func (l *listener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		select {
		case l.conns <- server:
		case <-l.ended:
			_ = server.Close()
		}
	}()
	return client, nil
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *listener) Close() error {
	l.end.Do(func() { close(l.ended) })
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
