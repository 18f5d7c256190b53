package redisconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/wecomq/wecomq/internal/textfile"
)

// The parameters of a URL that name files, besides those of go-redis.
const (
	passwordFile = "password_file"
	caFile       = "tls_ca_file"
	certFile     = "tls_cert_file"
	keyFile      = "tls_key_file"
)

// files are the paths in a URL, empty if not given.
type files struct {
	password, ca, cert, key string
}

// takeFiles removes these parameters from a URL, because go-redis would reject them.
func takeFiles(u *url.URL) files {
	query := u.Query()
	f := files{query.Get(passwordFile), query.Get(caFile), query.Get(certFile), query.Get(keyFile)}
	for _, name := range []string{passwordFile, caFile, certFile, keyFile} {
		query.Del(name)
	}
	u.RawQuery = query.Encode()
	return f
}

// credentials reads the password again for each new connection, so that it can be changed without a restart.
type credentials = func(context.Context) (username, password string, err error)

// apply adds the contents of the files to the options of go-redis.
func (f files) apply(config *tls.Config, username, password string) (credentials, error) {
	if err := f.secure(config); err != nil {
		return nil, err
	}
	return f.credentials(username, password)
}

// credentials returns nil if the URL names no file. password is the one in the URL itself.
func (f files) credentials(username, password string) (credentials, error) {
	if f.password == "" {
		return nil, nil //nolint:nilnil // go-redis takes nil for none
	}
	if password != "" {
		return nil, fmt.Errorf("a password and %s: keep one of the two", passwordFile)
	}
	if _, err := readPassword(f.password); err != nil {
		return nil, err
	}
	return func(context.Context) (string, string, error) {
		password, err := readPassword(f.password)
		return username, password, err
	}, nil
}

// readPassword reads a file without surrounding white space.
func readPassword(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", passwordFile, err)
	}
	password := textfile.Value(string(content))
	if password == "" {
		return "", fmt.Errorf("%s: %s is empty", passwordFile, path)
	}
	return password, nil
}

// secure makes a TLS config trust the CA and use the certificate that the URL names. config is nil without TLS.
func (f files) secure(config *tls.Config) error {
	switch {
	case f.ca+f.cert+f.key == "":
		return nil
	case config == nil:
		return fmt.Errorf("%s, %s and %s need TLS (write rediss instead of redis)", caFile, certFile, keyFile)
	case (f.cert == "") != (f.key == ""):
		return fmt.Errorf("only one of %s and %s (a client certificate needs both)", certFile, keyFile)
	}
	if f.cert != "" {
		if _, err := tls.LoadX509KeyPair(f.cert, f.key); err != nil {
			return fmt.Errorf("%s: %w", certFile, err)
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(f.cert, f.key) // it may have been renewed
			return &pair, err
		}
	}
	if f.ca != "" {
		return f.trust(config)
	}
	return nil
}

// trust replaces the system's CAs.
func (f files) trust(config *tls.Config) error {
	content, err := os.ReadFile(f.ca)
	if err != nil {
		return fmt.Errorf("%s: %w", caFile, err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(content) {
		return fmt.Errorf("%s: %w", caFile, errors.New(f.ca+" holds no certificate in PEM"))
	}
	return nil
}
