package wecomtest

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guarded keeps the pages of other sites from the simulator, which asks nobody who they are:
// a browser sends their requests from the very machine that the simulator listens on. What
// changes something must come from no other site; and the host must be an address, localhost
// or one of Hosts, because a name can be made to lead here.
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
