package config

import (
	"errors"
	"net/url"
	"strings"
)

// PublicURL is the address of the gateway for browsers; "" if unknown. A proxy removes its path.
type PublicURL string

// Prefix is its path, "" for none, which a proxy has removed from the path of a request.
func (p PublicURL) Prefix() string { return strings.TrimRight(p.parsed().Path, "/") }

// HTTPS reports whether browsers use https.
func (p PublicURL) HTTPS() bool { return p.parsed().Scheme == "https" }

// OwnsHost reports whether the address covers the whole host, without a port or a path: HSTS applies to all
// ports and paths of a host.
func (p PublicURL) OwnsHost() bool { return p != "" && p.parsed().Port() == "" && p.Prefix() == "" }

// Host is its host without a port.
func (p PublicURL) Host() string { return p.parsed().Hostname() }

func (p PublicURL) parsed() *url.URL {
	u, err := url.Parse(string(p))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// parsePublicURL accepts a web URL with a plain path, or nothing.
func parsePublicURL(text string) (PublicURL, error) {
	if text == "" {
		return "", nil
	}
	if _, err := baseURL(text); err != nil {
		return "", err
	}
	if u, _ := url.Parse(text); u.EscapedPath() != u.Path || strings.ContainsAny(u.Path, `"<>;`) {
		return "", errors.New("a URL whose path needs escapes (use letters, digits, - and _)")
	}
	return PublicURL(text), nil
}
