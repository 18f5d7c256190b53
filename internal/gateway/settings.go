package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/wecomq/wecomq/internal/config"
)

// Settings are what a reload can change.
type Settings struct {
	Apps   []App
	Tokens []config.Token
}

// App is an app that messages can be sent from.
type App struct {
	Name    string
	CorpID  string
	AgentID string
	WeCom   WeCom // for what is not queued: updates of cards, uploads
}

// app finds an app by name.
func (s *Settings) app(name string) (App, bool) {
	i := slices.IndexFunc(s.Apps, func(a App) bool { return a.Name == name })
	if i < 0 {
		return App{}, false
	}
	return s.Apps[i], true
}

// token finds the token with this secret. It looks at all of them in the same
// time, wherever the right one stands.
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
