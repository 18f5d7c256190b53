package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener returns one end of a net.Pipe: a connection with the time of the test and without buffers.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// slowClient is a connection to a gateway in a bubble of its own time.
func slowClient(t *testing.T) net.Conn {
	t.Helper()
	listener := &pipeListener{make(chan net.Conn, 1), make(chan struct{})}
	server := &http.Server{Handler: newFuzzGateway(t), ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	ours, theirs := net.Pipe()
	listener.conns <- theirs
	t.Cleanup(func() {
		_ = ours.Close()
		_ = server.Close()
		if err := <-stopped; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return ours
}

func write(t *testing.T, conn io.Writer, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		t.Fatal(err)
	}
}

const slowHeader = "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fuzzToken + "\r\nContent-Length: 1000\r\n\r\n"

func TestABodyThatDoesNotComeIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/v1/messages":       "408 Request Timeout",
		"/v1/messages:batch": "408 Request Timeout",
		"/cgi-bin/gettoken":  "200 OK", // with errcode 40058: WeCom's answers are all 200
	} {
		synctest.Test(t, func(t *testing.T) {
			conn, began := slowClient(t), time.Now()
			write(t, conn, slowHeader+`{"touser":`, path)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if took := time.Since(began); response.Status != want || took > time.Minute {
				t.Errorf("%s: %s after %s: %s", path, response.Status, took, body)
			}
		})
	}
}

func TestAStrangerIsNotWaitedForLonger(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/cgi-bin/gettoken":     "200 OK",
		"/cgi-bin/message/send": "200 OK", // with errcode 41001: there is no access token
		"/v1/messages":          "401 Unauthorized",
		"/v1/nothing":           "404 Not Found",
	} {
		synctest.Test(t, func(t *testing.T) {
			conn, began := slowClient(t), time.Now()
			write(t, conn, strings.Replace(slowHeader, fuzzToken, "nobody's", 1)+`{"touser":`, path)
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if took := time.Since(began); response.Status != want || took > 5*time.Second || !response.Close {
				t.Errorf("%s: %s after %s, closed %t: %s", path, response.Status, took, response.Close, body)
			}
		})
	}
}

func TestABodyKeepsAPace(t *testing.T) {
	t.Parallel()
	for path, most := range map[string]time.Duration{
		"/v1/messages":        15 * time.Second,
		"/v1/messages:batch":  35 * time.Second, // for a line
		"/v1/media?type=file": 15 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			conn, began := slowClient(t), time.Now()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			write(t, conn, slowHeader, path)
			for range 100 {
				if _, err := conn.Write([]byte(" ")); err != nil {
					break
				}
				<-time.After(4 * time.Second)
			}
			if took := time.Since(began); took > most {
				t.Errorf("%s: a byte every 4 s was taken for %s", path, took)
			}
		})
	}
}

func TestABatchMayTakeItsTimeAsLongAsItMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, began := slowClient(t), time.Now()
		write(t, conn, strings.Replace(slowHeader, "Content-Length: 1000", "Transfer-Encoding: chunked", 1), "/v1/messages:batch")
		const text = `{"touser":"a","msgtype":"text","text":{"content":"x"}}` + "\n"
		var answers *bufio.Reader
		for n := 1; n <= 10; n++ {
			<-time.After(idleTime - time.Second)
			write(t, conn, "%x\r\n%s\r\n", len(text), text)
			if answers == nil {
				response, err := http.ReadResponse(bufio.NewReader(conn), nil) //nolint:bodyclose // it is the connection, which is closed
				if err != nil {
					t.Fatal(err)
				}
				answers = bufio.NewReader(response.Body)
			}
			if line, err := answers.ReadString('\n'); err != nil || !strings.HasPrefix(line, fmt.Sprintf(`{"line":%d,"id":`, n)) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		last, err := answers.ReadString('\n')
		if err != nil || !strings.Contains(last, `"status":408`) {
			t.Errorf("%q, %v", last, err)
		}
		if took := time.Since(began); took < 11*(idleTime-time.Second) {
			t.Errorf("cut after %s", took)
		}
	})
}

func TestAClientThatDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := slowClient(t)
		write(t, conn, strings.Replace(slowHeader, "Content-Length: 1000", "Transfer-Encoding: chunked", 1), "/v1/messages:batch")
		chunk := strings.Repeat("x\n", 1<<10)
		for sent := 0; ; sent += len(chunk) {
			if _, err := fmt.Fprintf(conn, "%x\r\n%s\r\n", len(chunk), chunk); err != nil {
				return // the expected case
			}
			if sent > 64<<20 {
				t.Fatal("64 MB were taken from a client that reads nothing")
			}
		}
	})
}
