package daemon

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

// checkGateway reports risks of eavesdropping and impersonation, and expiring certificates.
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

// The largest networks that may consist of proxies only; larger ones have other hosts in them.
const (
	widestOfProxies4 = 24
	widestOfProxies6 = 64
)

// checkProxies reports networks that contain more than proxies.
func checkProxies(networks []netip.Prefix) []Finding {
	var findings []Finding
	for _, network := range networks {
		widest := widestOfProxies6
		if network.Addr().Is4() {
			widest = widestOfProxies4
		}
		if network.Bits() < widest && !network.Addr().IsLoopback() {
			findings = append(findings, Finding{"gateway", Warning, fmt.Sprintf("trusted_proxies: any host in %s can spoof any "+
				"address; list the proxies one by one", network)})
		}
	}
	return findings
}

// heardOnTheWay describes the risk of eavesdropping, "" if there is no indication of one: the address is on
// this host, or there is a proxy with TLS. A public URL on this host is no evidence: others may still reach
// the port.
func heardOnTheWay(g config.Gateway, listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil || g.TLS != nil || ofThisHost(host) || g.PublicURL.HTTPS() || len(g.TrustedProxies) > 0 {
		return ""
	}
	return fmt.Sprintf("it listens on %s without TLS: anyone on the network path can read tokens and messages; set gateway.tls, "+
		"or listen on 127.0.0.1, or name a proxy that has TLS in gateway.trusted_proxies", listen)
}

// ofThisHost reports whether an address can only be reached from this host.
func ofThisHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// checkCertificate reports a certificate that has expired, or will soon.
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
