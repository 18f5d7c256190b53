package gateway

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is where a request comes from: the other end of the connection or, where
// that is a trusted proxy, the last address of X-Forwarded-For that is none. Each proxy
// appends to the header, so what stands before that address anybody can have written.
func (s *Settings) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr // the connections of some tests have no address
	}
	client := bare(peer.Addr())
	for rest := strings.Join(r.Header.Values("X-Forwarded-For"), ","); rest != "" && s.trusts(client); {
		comma := strings.LastIndexByte(rest, ',')
		addr, ok := hopAddress(strings.TrimSpace(rest[comma+1:]))
		if !ok {
			break
		}
		client, rest = addr, rest[:max(comma, 0)]
	}
	return client.String()
}

// trusts reports whether an address is that of a trusted proxy.
func (s *Settings) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// hopAddress reads an element of X-Forwarded-For; some proxies write the port as well.
func hopAddress(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return bare(addr), true
	}
	hop, err := netip.ParseAddrPort(text)
	return bare(hop.Addr()), err == nil
}

// bare is the address in the form that networks of the config contain.
func bare(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
