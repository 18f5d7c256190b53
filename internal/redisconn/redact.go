package redisconn

import (
	"net/url"
	"slices"
	"strings"
)

// masked replaces hidden parts, as (*url.URL).Redacted does.
const masked = "xxxxx"

// shownParameters are the parameters of a URL that cannot be secret.
var shownParameters = []string{
	"addr", "master_name", "username", "client_name", passwordFile, caFile, certFile, keyFile, "skip_verify", "db", "protocol",
	"pool_size", "pool_timeout", "min_idle_conns", "max_idle_conns", "max_active_conns", "dial_timeout", "read_timeout",
	"write_timeout", "max_retries", "min_retry_backoff", "max_retry_backoff", "conn_max_idle_time", "conn_max_lifetime",
}

// Redact returns the URL without its passwords, for a log: it also hides parts where a password may have been
// put by mistake, such as the user.
func Redact(rawURL string) string {
	u, err := split(rawURL)
	if err != nil {
		return "(invalid URL)"
	}
	if _, has := u.User.Password(); !has && u.User.Username() != "" {
		u.User = url.User(masked)
	}
	for name, values := range u.Query() {
		if slices.Contains(shownParameters, name) {
			continue
		}
		query := u.Query()
		query[name] = slices.Repeat([]string{masked}, len(values))
		u.RawQuery = query.Encode()
	}
	u.Fragment, u.RawFragment = "", ""
	if !isDatabase(u) {
		u.Path, u.RawPath = "/"+masked, ""
	}
	return u.Redacted()
}

// isDatabase reports whether the path is that of a socket, or the number of a database, which may be missing.
func isDatabase(u *url.URL) bool {
	return u.Scheme == "unix" || strings.Trim(strings.TrimPrefix(u.Path, "/"), "0123456789") == "" && u.Opaque == ""
}
