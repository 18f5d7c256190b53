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
		found = append(found, "skip_verify accepts any certificate: a man in the middle can read and change everything. "+
			"Set tls_ca_file to the CA of the server instead")
	}
	if !strings.HasPrefix(u.Scheme, "rediss") {
		found = append(found, "no TLS: texts, access tokens and the password cross the network in plain text. Use "+
			strings.Replace(u.Scheme, "redis", "rediss", 1)+"://")
	}
	password, _ := u.User.Password()
	if strings.HasSuffix(u.Scheme, "-sentinel") { // the one before the host is Sentinel's own
		password = query.Get("password")
	}
	if password == "" && query.Get(passwordFile) == "" {
		found = append(found, "no password: anyone who can reach Redis can read all texts and send as the apps. Set one in Redis, and point password_file to it")
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
