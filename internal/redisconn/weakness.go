package redisconn

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Weaknesses are settings that others on the network could exploit, each with advice. Connections within this
// host have none.
func Weaknesses(rawURL string) []string {
	u, err := split(rawURL)
	if err != nil || isLocal(u) {
		return nil
	}
	var found []string
	query := u.Query()
	if skips, _ := strconv.ParseBool(query.Get("skip_verify")); skips {
		found = append(found, "skip_verify accepts everybody's certificate: whoever sits in between reads and changes everything. "+
			"Name the CA of the server by tls_ca_file instead")
	}
	if !strings.HasPrefix(u.Scheme, "rediss") {
		found = append(found, "no TLS: texts, access tokens and the password cross the network in clear. Use "+
			strings.Replace(u.Scheme, "redis", "rediss", 1)+"://")
	}
	password, _ := u.User.Password()
	if strings.HasSuffix(u.Scheme, "-sentinel") { // the one before the host is Sentinel's own
		password = query.Get("password")
	}
	if password == "" && query.Get(passwordFile) == "" {
		found = append(found, "no password: whoever reaches Redis reads all texts and sends as the apps. Set one in Redis, and name it by password_file")
	}
	return found
}

// isLocal reports whether all of a URL's servers are on this host.
func isLocal(u *url.URL) bool {
	if u.Scheme == "unix" {
		return true
	}
	for _, address := range append(u.Query()["addr"], u.Host) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			host = strings.Trim(address, "[]") // without a port
		}
		ip, err := netip.ParseAddr(host)
		if host != "" && host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}
