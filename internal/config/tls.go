package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/wecom"
)

// TLS configures the gateway's certificate, and the clients that may connect. Its texts are PEM.
type TLS struct {
	Cert     string // with the chain to its CA
	Key      wecom.Secret
	ClientCA string // of the certificates that clients need; "" for none
}

// Server returns the settings of a server.
func (t *TLS) Server() (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		NextProtos: []string{"http/1.1"}, // the limits of connections and bodies are those of HTTP/1.1
	}
	if t.ClientCA != "" {
		if cfg.ClientCAs, err = certificates(t.ClientCA); err != nil {
			return nil, fmt.Errorf("client_ca: %w", err)
		}
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return cfg, nil
}

func certificates(pem string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("no certificate in it (want PEM)")
	}
	return pool, nil
}

func readTLS(s *section) *TLS {
	if len(s.entries) == 0 {
		return nil
	}
	before := len(s.errs)
	t := &TLS{
		Cert: required(s, "cert", nonEmpty[string]), Key: s.secret("key", nonEmpty),
		ClientCA: optional(s, "client_ca", "", nonEmpty[string]),
	}
	s.rejectUnknown()
	if e, ok := s.entries["key"+fileSuffix]; ok && t.Key != "" {
		s.warnOfReaders(e.field, s.resolve(s.scalar(e).text))
	}
	if len(s.errs) == before {
		if _, err := t.Server(); err != nil {
			s.fail(s.place, "%v", err)
		}
	}
	return t
}
