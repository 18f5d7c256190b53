package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

// checkGateway tells what lets others read on the way or pretend to be somebody else, and of a
// certificate that ends.
func checkGateway(g config.Gateway, now time.Time) []Finding {
	findings := checkProxies(g.TrustedProxies)
	if text := heardOnTheWay(g, g.Listen); text != "" {
		findings = append(findings, Finding{"gateway", Warning, text})
	}
	if g.TLS == nil {
		return findings
	}
	if g.TLS.ClientCA != "" && g.MetricsListen == "" {
		findings = append(findings, Finding{"gateway", Warning, "tls.client_ca keeps out probes and Prometheus, which have no " +
			"certificate of that CA; set gateway.metrics_listen for them"})
	}
	return append(findings, checkCertificate(g.TLS, now)...)
}

// The networks that may be nothing but proxies; larger ones have other hosts in them.
const (
	widestOfProxies4 = 24
	widestOfProxies6 = 64
)

// checkProxies names networks in which there will be others than proxies.
func checkProxies(networks []netip.Prefix) []Finding {
	var findings []Finding
	for _, network := range networks {
		widest := widestOfProxies6
		if network.Addr().Is4() {
			widest = widestOfProxies4
		}
		if network.Bits() < widest && !network.Addr().IsLoopback() {
			findings = append(findings, Finding{"gateway", Warning, fmt.Sprintf("trusted_proxies: whoever is in %s can pretend any "+
				"address; name the addresses of the proxies", network)})
		}
	}
	return findings
}

// heardOnTheWay says that whoever is on the way reads along, "" if nothing says so: the
// address is that of this host, or there is a proxy, which has TLS. A public URL of this host
// says nothing: others can reach the port all the same.
func heardOnTheWay(g config.Gateway, listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || g.TLS != nil || ofThisHost(host) || g.PublicURL.HTTPS() || len(g.TrustedProxies) > 0 {
		return ""
	}
	return fmt.Sprintf("it listens on %s in clear: whoever is on the way reads tokens and messages; set gateway.tls, "+
		"or listen on 127.0.0.1, or name a proxy that has TLS in gateway.trusted_proxies", listen)
}

// ofThisHost reports whether nobody else can reach an address.
func ofThisHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkCertificate names a certificate that has ended, or will soon.
func checkCertificate(t *config.TLS, now time.Time) []Finding {
	cfg, err := t.Server()
	if err != nil {
		return []Finding{{"gateway", Fault, "tls: " + err.Error()}}
	}
	leaf := cfg.Certificates[0].Leaf
	end, renew := leaf.NotAfter.UTC().Format(time.RFC3339), "; write a new one into its files, and reload with SIGHUP"
	switch {
	case now.After(leaf.NotAfter):
		return []Finding{{"gateway", Fault, "its certificate has expired, at " + end + renew}}
	case now.Before(leaf.NotBefore):
		return []Finding{{"gateway", Fault, "its certificate begins at " + leaf.NotBefore.UTC().Format(time.RFC3339) + "; until then use another one, or set this host's clock"}}
	case now.Add(renewal).After(leaf.NotAfter):
		return []Finding{{"gateway", Warning, "its certificate expires at " + end + renew}}
	}
	return nil
}
