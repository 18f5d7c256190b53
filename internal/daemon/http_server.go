package daemon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

const (
	// headerTime and maxHeaderBytes limit what a client can cost that never finishes its
	// request.
	headerTime     = 5 * time.Second
	maxHeaderBytes = 64 << 10
	// lastRequests is how long requests in progress may take during shutdown.
	lastRequests = 15 * time.Second
)

// ServeHTTP serves until ctx ends, then lets the requests in progress finish.
func ServeHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		MaxHeaderBytes:    maxHeaderBytes,
		IdleTimeout:       time.Minute,
		ConnState:         newConnections(maxConnections).track,
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
