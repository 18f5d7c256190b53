package daemon

import (
	"context"
	"errors"
	stdlog "log" //nolint:depguard // an http.Server takes no other
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

const (
	// headerTime and maxHeaderBytes limit the cost of a client that never finishes its request.
	headerTime     = 5 * time.Second
	maxHeaderBytes = 64 << 10
	// lastRequests is how long requests in progress may take during shutdown.
	lastRequests = 15 * time.Second
)

// ServeHTTP serves until ctx ends, then lets the requests in progress finish.
func ServeHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	return serveHTTP(ctx, listener, handler, nil)
}

// serveHTTP does so with a log for what goes wrong outside of the handler; nil is stderr.
func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler, log *zerolog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		MaxHeaderBytes:    maxHeaderBytes,
		IdleTimeout:       time.Minute,
		ConnState:         newConnections(maxConnections).track,
	}
	if log != nil {
		server.ErrorLog = stdlog.New(serverLog{*log}, "", 0)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastRequests)
	defer cancel()
	if err := server.Shutdown(timeout); err != nil {
		return errors.Join(server.Close(), <-stopped)
	}
	if err := <-stopped; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serverLog passes the lines of a server to our log. A failed handshake is the client's problem: scanners
// cause many.
type serverLog struct{ log zerolog.Logger }

// Write implements [io.Writer].
func (l serverLog) Write(line []byte) (int, error) {
	level, text := zerolog.WarnLevel, strings.TrimSpace(string(line))
	if strings.Contains(text, "TLS handshake error") {
		level = zerolog.DebugLevel
	}
	l.log.WithLevel(level).Msg(text)
	return len(line), nil
}
