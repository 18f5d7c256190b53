package daemon

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/wecomq/wecomq/internal/config"
)

// certificate is the TLS config of a gateway. Open connections keep theirs after a reload.
type certificate struct {
	current atomic.Pointer[tls.Config] // nil for plain HTTP
}

func newCertificate(cfg *config.TLS) (*certificate, error) {
	c := &certificate{}
	apply, err := c.load(cfg)
	if err != nil {
		return nil, err
	}
	apply()
	return c, nil
}

// load prepares a certificate; apply uses it for new connections. Without one the old one stays: a port
// cannot change to plain HTTP.
func (c *certificate) load(cfg *config.TLS) (apply func(), err error) {
	if cfg == nil {
		return func() {}, nil
	}
	next, err := cfg.Server()
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return func() { c.current.Store(next) }, nil
}

// over returns a listener that speaks TLS, if there is a certificate.
func (c *certificate) over(listener net.Listener) net.Listener {
	if c.current.Load() == nil {
		return listener
	}
	return tls.NewListener(listener, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil },
	})
}
