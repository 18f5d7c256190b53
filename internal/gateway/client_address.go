package gateway

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is the address that a request comes from: the other end of the connection or, if that is a
// trusted proxy, the last address of X-Forwarded-For that is not one. Each proxy appends to the header, so
// anything before that address may be forged. If all are trusted, it is the last one: nothing shows that a proxy
// has written the others.
func (s *Settings) clientAddress(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr // in some tests connections have no address
	}
	client := bare(peer.Addr())
	if s.trusts(client) {
		client = s.behind(client, strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","))
	}
	return client.String()
}

// behind is the address for which a trusted proxy forwards.
func (s *Settings) behind(proxy netip.Addr, hops []string) netip.Addr {
	nearest := proxy
	for i, text := range slices.Backward(hops) {
		hop, ok := hopAddress(strings.TrimSpace(text))
		switch {
		case !ok:
			return nearest
		case !s.trusts(hop):
			return hop
		case i == len(hops)-1:
			nearest = hop
		}
	}
	return nearest
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
