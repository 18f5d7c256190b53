package daemon_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/wecom"
)

// authority signs certificates.
type authority struct {
	*testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{T: t}
	a.cert, a.key = a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign makes a certificate of the authority, or its own.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(90*24*time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.Fatal(err)
	}
	return cert, key
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate for 127.0.0.1, as PEM.
func (a *authority) issue(template x509.Certificate) (cert, key string) {
	a.Helper()
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	signed, private := a.sign(&template)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed.Raw})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// dial makes a connection, and returns its state.
func dial(t *testing.T, address string, cfg *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	conn, err := (&tls.Dialer{Config: cfg}).DialContext(t.Context(), "tcp", strings.TrimPrefix(address, "https://"))
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // with TLS 1.3 the answer says whether a client is admitted
		return tls.ConnectionState{}, err
	}
	return conn.(*tls.Conn).ConnectionState(), nil //nolint:forcetypeassert // what a tls.Dialer gives
}

func TestAReloadShowsTheNewCertificateUnlessItIsBroken(t *testing.T) {
	t.Parallel()
	ca, dir := newAuthority(t), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("wecomq.yaml", "apps: {ops: {corp_id: ww1, agent_id: 1, secret: s3cret}}\ngateway: {tls: {cert_file: gateway.pem, key_file: gateway.key}}\n")
	first, firstKey := ca.issue(x509.Certificate{})
	write("gateway.pem", first)
	write("gateway.key", firstKey)
	var d *daemontest.Deployment
	load := func() (*config.Config, error) { // what the file says of TLS; the rest is the test's
		read, err := config.Load(filepath.Join(dir, "wecomq.yaml"), os.LookupEnv)
		if err != nil {
			return nil, err
		}
		next := *d.Config
		next.Gateway.TLS = read.Gateway.TLS
		return &next, nil
	}
	d = daemontest.New(t, daemontest.Config{Change: func(c *config.Config) {
		c.Gateway.TLS = &config.TLS{Cert: first, Key: wecom.Secret(firstKey)}
	}})
	hangup := make(chan os.Signal)
	address, _ := d.Start(daemon.Config{Gateway: true, Hangup: hangup, Load: load})
	shown := func() string {
		t.Helper()
		state, err := dial(t, address, &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
		if err != nil {
			t.Fatal(err)
		}
		if state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("protocol %q, want http/1.1", state.NegotiatedProtocol)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: state.PeerCertificates[0].Raw}))
	}
	if shown() != first {
		t.Fatal("another certificate is shown than that of the config")
	}
	if _, err := dial(t, address, &tls.Config{RootCAs: ca.pool(), MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}

	second, secondKey := ca.issue(x509.Certificate{})
	write("gateway.pem", second) // its key is still that of the first
	hangup <- syscall.SIGHUP
	awaitLog(t, d, "reload: the config is invalid, nothing changed", 1)
	if !strings.Contains(d.Log.String(), "gateway.tls: tls: private key does not match public key") {
		t.Errorf("the log does not say what is wrong:\n%s", d.Log)
	}
	if shown() != first {
		t.Error("a certificate without its key has replaced the old one")
	}
	write("gateway.key", secondKey)
	hangup <- syscall.SIGHUP
	awaitLog(t, d, `"config reloaded"`, 1)
	if shown() != second {
		t.Error("the new certificate is not shown")
	}
	if strings.Contains(d.Log.String(), "PRIVATE KEY") || strings.Contains(d.Log.String(), secondKey) {
		t.Error("the log has the key")
	}
}

func TestOnlyClientsWithACertificateOfTheCAAreAdmitted(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue(x509.Certificate{})
	d := daemontest.New(t, daemontest.Config{Change: func(c *config.Config) {
		c.Gateway.TLS = &config.TLS{Cert: cert, Key: wecom.Secret(key), ClientCA: ca.pem()}
	}})
	address, _ := d.Start(daemon.Config{Gateway: true})
	for name, tc := range map[string]struct {
		issuer   *authority
		template x509.Certificate
		admitted bool
	}{
		"a certificate of the CA":          {ca, x509.Certificate{}, true},
		"one that has expired":             {ca, x509.Certificate{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}, false},
		"a certificate of somebody else's": {other, x509.Certificate{}, false},
		"none":                             {nil, x509.Certificate{}, false},
	} {
		cfg := &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS12}
		if tc.issuer != nil {
			own, ownKey := tc.issuer.issue(tc.template)
			pair, err := tls.X509KeyPair([]byte(own), []byte(ownKey))
			if err != nil {
				t.Fatal(err)
			}
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		if _, err := dial(t, address, cfg); (err == nil) != tc.admitted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if strings.Contains(d.Log.String(), `"level":"warn","message":"http: TLS`) {
		t.Errorf("handshakes of strangers are warnings:\n%s", d.Log)
	}
	plain, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(address, "https", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(plain)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %d", answer.StatusCode)
	}
}

func trusting(networks ...string) []netip.Prefix {
	var trusted []netip.Prefix
	for _, network := range networks {
		trusted = append(trusted, netip.MustParsePrefix(network))
	}
	return trusted
}

func TestCheckNamesAGatewayThatCanBeOverheard(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ending := func(in time.Duration) *config.TLS {
		cert, key := ca.issue(x509.Certificate{NotBefore: time.Now().Add(-100 * time.Hour), NotAfter: time.Now().Add(in)})
		return &config.TLS{Cert: cert, Key: wecom.Secret(key)}
	}
	forClients := ending(90 * 24 * time.Hour)
	forClients.ClientCA = ca.pem()
	for name, tc := range map[string]struct {
		gateway config.Gateway
		level   daemon.Level
		text    string
	}{
		"loopback":                       {config.Gateway{Listen: "127.0.0.1:8080"}, daemon.OK, ""},
		"IPv6 loopback":                  {config.Gateway{Listen: "[::1]:8080"}, daemon.OK, ""},
		"localhost":                      {config.Gateway{Listen: "localhost:8080"}, daemon.OK, ""},
		"all addresses":                  {config.Gateway{Listen: ":8080"}, daemon.Warning, "it listens on :8080 without TLS"},
		"one address":                    {config.Gateway{Listen: "10.0.0.1:8080"}, daemon.Warning, "it listens on 10.0.0.1:8080 without TLS"},
		"a public address with TLS":      {config.Gateway{Listen: ":8080", PublicURL: "https://ops.example.com"}, daemon.OK, ""},
		"a public address without":       {config.Gateway{Listen: ":8080", PublicURL: "http://ops.example.com"}, daemon.Warning, "it listens on :8080 without TLS"},
		"all, but public on loopback":    {config.Gateway{Listen: ":8080", PublicURL: "http://127.0.0.1:8080"}, daemon.Warning, "it listens on :8080 without TLS"},
		"a proxy":                        {config.Gateway{Listen: ":8080", TrustedProxies: trusting("10.0.0.7/32")}, daemon.OK, ""},
		"a network of proxies":           {config.Gateway{Listen: ":8080", TrustedProxies: trusting("10.0.0.0/24", "fd00::/64", "127.0.0.0/8")}, daemon.OK, ""},
		"a network of more":              {config.Gateway{Listen: ":8080", TrustedProxies: trusting("10.0.0.0/23")}, daemon.Warning, "trusted_proxies: any host in 10.0.0.0/23 can spoof any address"},
		"an IPv6 network of more":        {config.Gateway{Listen: ":8080", TrustedProxies: trusting("fd00::/63")}, daemon.Warning, "trusted_proxies: any host in fd00::/63 can"},
		"clients with certificates only": {config.Gateway{Listen: ":8080", TLS: forClients}, daemon.Warning, "tls.client_ca keeps out probes and Prometheus"},
		"and a port for metrics":         {config.Gateway{Listen: ":8080", MetricsListen: "127.0.0.1:9090", TLS: forClients}, daemon.OK, ""},
		"TLS":                            {config.Gateway{Listen: ":8080", TLS: ending(15 * 24 * time.Hour)}, daemon.OK, ""},
		"TLS that ends within two weeks": {config.Gateway{Listen: ":8080", TLS: ending(13 * 24 * time.Hour)}, daemon.Warning, "its certificate expires at "},
		"TLS that has ended":             {config.Gateway{Listen: ":8080", TLS: ending(-time.Hour)}, daemon.Fault, "its certificate has expired, at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := daemontest.New(t, daemontest.Config{Change: func(c *config.Config) { c.Gateway = tc.gateway }})
			var found bytes.Buffer
			level := daemon.OK
			for _, f := range d.Check(t.Context(), false) {
				if f.Subject == "gateway" {
					level = f.Level
					found.WriteString(f.Text)
				}
			}
			if level != tc.level || !strings.HasPrefix(found.String(), tc.text) || tc.text == "" && found.Len() > 0 {
				t.Errorf("%s %q, want %s %q", level, &found, tc.level, tc.text)
			}
		})
	}
}
