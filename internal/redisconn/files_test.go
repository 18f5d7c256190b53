package redisconn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/redistest"
)

// authority is a private CA that keeps its files in dir.
type authority struct {
	t    *testing.T
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.issue("ca")
	return a
}

// file is the path of name.crt or name.key.
func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// issue writes a certificate and its key; the first is the authority's own.
func (a *authority) issue(name string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: a.cert == nil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if a.cert == nil {
		a.key, a.cert = key, template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", secret)
}

func (a *authority) write(name, kind string, content []byte) {
	a.t.Helper()
	write(a.t, a.file(name), string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startTLS starts a Redis that requires client certificates, and returns its address.
func (a *authority) startTLS() string {
	a.t.Helper()
	a.issue("server")
	addr := closedPort(a.t)
	redistest.Start(a.t, "bind 127.0.0.1", "tls-port "+strings.TrimPrefix(addr, "127.0.0.1:"), "tls-auth-clients yes",
		"tls-cert-file "+a.file("server.crt"), "tls-key-file "+a.file("server.key"), "tls-ca-cert-file "+a.file("ca.crt"))
	return addr
}

func TestTLSWithAPrivateCAAndAClientCertificate(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.issue("client")
	theirs.issue("client")
	addr := ours.startTLS()
	pair := func(a *authority) string {
		return "&tls_cert_file=" + a.file("client.crt") + "&tls_key_file=" + a.file("client.key")
	}
	trusting := "rediss://" + addr + "?tls_ca_file=" + ours.file("ca.crt")
	if err := ping(t, trusting+pair(ours)); err != nil {
		t.Errorf("with the CA and a certificate of its: %v", err)
	}
	for name, url := range map[string]string{
		"without a certificate":                trusting,
		"with a certificate of another CA":     trusting + pair(theirs),
		"without the CA":                       "rediss://" + addr + "?" + pair(ours),
		"with another CA than that of Redis's": "rediss://" + addr + "?tls_ca_file=" + theirs.file("ca.crt") + pair(ours),
	} {
		if err := ping(t, url); err == nil {
			t.Errorf("%s: connected", name)
		}
	}
}

func TestTheFilesOfAURL(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.issue("client")
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, "\n")
	crt, key := a.file("client.crt"), a.file("client.key")
	for name, tt := range map[string]struct{ url, want string }{
		"a CA without TLS":              {"redis://h?tls_ca_file=" + crt, "tls_ca_file, tls_cert_file and tls_key_file need TLS (write rediss instead of redis)"},
		"a CA that is not there":        {"rediss://h?tls_ca_file=/nowhere", "tls_ca_file: open /nowhere: no such file or directory"},
		"a CA that is none":             {"rediss-cluster://h?tls_ca_file=" + empty, "tls_ca_file: " + empty + " holds no certificate in PEM"},
		"a certificate without its key": {"rediss://h?tls_cert_file=" + crt, "only one of tls_cert_file and tls_key_file (a client certificate needs both)"},
		"a key of another certificate": {
			"rediss-sentinel://h?master_name=m&tls_cert_file=" + a.file("ca.crt") + "&tls_key_file=" + key,
			"tls_cert_file: tls: private key does not match public key",
		},
		"a password that is not there": {"redis://h?password_file=/nowhere", "password_file: open /nowhere: no such file or directory"},
		"an empty password":            {"redis-cluster://h?password_file=" + empty, "password_file: " + empty + " is empty"},
		"two passwords":                {"redis://:hunter2@h?password_file=" + empty, "a password and password_file: keep one of the two"},
	} {
		if err := redisconn.Validate(tt.url); err == nil || err.Error() != tt.want {
			t.Errorf("%s: Validate(%q) = %v\nwant %s", name, tt.url, err, tt.want)
		}
	}
}

func TestAPasswordInAFileIsChangedWithoutARestart(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "user bob on >first ~* +@all")
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, "first\n")
	client, err := redisconn.Open("unix://bob@"+server.Addr+"?password_file="+file+"&pool_size=2", 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}

	write(t, file, "second\n")
	admin := server.Client()
	admin.Do(t.Context(), "acl", "setuser", "bob", "resetpass", ">second")
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("an old connection: %v", err)
	}
	admin.Do(t.Context(), "client", "kill", "user", "bob")
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("a new connection: %v", err)
	}
	if name := client.Do(t.Context(), "acl", "whoami").Val(); name != "bob" {
		t.Errorf("connected as %v", name)
	}
	if _, ok := client.(*redis.Client); !ok {
		t.Errorf("opened a %T", client)
	}
}
