package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"slices"

	"github.com/wecomq/wecomq/internal/config"
)

// Settings are the part of the configuration that a reload can change.
type Settings struct {
	Apps   []App
	Tokens []config.Token
	// TrustedProxies are the proxies whose X-Forwarded-For is trusted.
	TrustedProxies []netip.Prefix
	Login          *config.Login // nil: tokens only
}

// App is an app that can send messages.
type App struct {
	Name    string
	CorpID  string
	AgentID string
	WeCom   WeCom // for requests that are not queued: card updates and uploads
}

// app finds an app by name.
func (s *Settings) app(name string) (App, bool) {
	i := slices.IndexFunc(s.Apps, func(a App) bool { return a.Name == name })
	if i < 0 {
		return App{}, false
	}
	return s.Apps[i], true
}

// token finds the token with this secret. It compares with all of them, so that its time reveals nothing.
func (s *Settings) token(secret string) (config.Token, bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range s.Tokens {
		same := subtle.ConstantTimeCompare(sum[:], s.Tokens[i].SHA256[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 || secret == "" {
		return config.Token{}, false
	}
	return s.Tokens[found], true
}
