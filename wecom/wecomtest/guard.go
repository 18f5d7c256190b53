package wecomtest

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guarded protects the simulator, which has no authentication, from pages of other sites: the browser that
// loads them may run on the simulator's own machine. Requests that change something must not come from
// another site; and the host must be an address, localhost or one of Hosts, because any name can resolve to
// this machine.
func (s *Simulator) guarded(handler http.HandlerFunc) http.HandlerFunc {
	sameSite := http.NewCrossOriginProtection().Handler(handler)
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.isOwn(r.Host) {
			writeJSON(w, http.StatusForbidden, map[string]string{
				"error": fmt.Sprintf("the host %.60q is not the simulator's: use its address, or allow it (wecomq simulate --host)", r.Host),
			})
			return
		}
		sameSite.ServeHTTP(w, r)
	}
}

func (s *Simulator) isOwn(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	_, err = netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost") || slices.Contains(s.Hosts, "*") ||
		slices.ContainsFunc(s.Hosts, func(own string) bool { return strings.EqualFold(own, name) })
}
