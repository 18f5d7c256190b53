package daemon_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wecomq/wecomq/internal/daemon"
)

// pipes is a listener whose connections are in memory, in the time of a test.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// dial opens a connection of a client.
func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours
}

func TestConnectionsThatAskNothingMakeRoomForThoseThatDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 1024 // as many as there may be
		ctx, cancel := context.WithCancel(t.Context())
		listener := &pipes{make(chan net.Conn), make(chan struct{})}
		ended := make(chan error, 1)
		go func() {
			ended <- daemon.ServeHTTP(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
		}()
		ask := func(conn net.Conn) string {
			t.Helper()
			if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				return err.Error()
			}
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				return err.Error()
			}
			defer func() { _ = response.Body.Close() }()
			text, _ := io.ReadAll(response.Body)
			return string(text)
		}
		began := time.Now()
		hostile := make([]net.Conn, most+most/4)
		for i := range hostile {
			hostile[i] = listener.dial()
			synctest.Wait()
		}
		honest := listener.dial()
		for range 2 {
			if answer := ask(honest); answer != "ok" {
				t.Fatalf("%s, among %d connections that wait", answer, len(hostile))
			}
		}
		for i, conn := range hostile[:most/4+1] {
			if _, err := conn.Read(make([]byte, 1)); err == nil || time.Since(began) > 0 {
				t.Fatalf("connection %d was closed after %s (%v), want at once: it is one too many", i, time.Since(began), err)
			}
		}
		if answer := ask(hostile[len(hostile)-1]); answer != "ok" {
			t.Errorf("%s, on one of %d", answer, most)
		}
		cancel()
		_ = honest.Close()
		for _, conn := range hostile {
			_ = conn.Close()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
