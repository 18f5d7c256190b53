package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/logtest"
)

// Data that a client sends after a batch has ended is not taken for its next request: net/http panics if it
// reads the end of a body after a full-duplex handler.
func TestTheConnectionOfABatchEndsWithIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Queue = &fickle{Queue: cfg.Services.Queue} })
	var errorLog logtest.Transcript
	server := httptest.NewUnstartedServer(b.Gateway)
	server.Config.ErrorLog = log.New(&errorLog, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String()) //nolint:noctx // it is loopback, and closed below
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })

	line := textBody + "\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(line), line)
	send := func(text string) {
		t.Helper()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	send("POST /v1/messages:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + senderToken +
		"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
	answers := bufio.NewReader(conn)
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusServiceUnavailable || !response.Close {
		t.Errorf("%s, close %t, error %v; want 503 and the connection closed", response.Status, response.Close, err)
	}
	_ = response.Body.Close()
	_, _ = io.WriteString(conn, chunk+"0\r\n\r\n") // the client has not noticed yet; the server may be gone

	_, _ = io.Copy(io.Discard, answers) // until the server has closed the connection
	if strings.Contains(errorLog.String(), "panic") {
		t.Errorf("the server's log: %s", errorLog.String())
	}
}
