package wecomtest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

// wrongSecretSpan is how long wrong secrets count, and how long the resulting ban lasts (page 90313, help of
// 45009).
const wrongSecretSpan = time.Hour

// token is one access token and the app it is bound to.
type token struct {
	value   string
	app     appKey
	expires time.Time
	uses    int
}

// caller is an IP address that has sent wrong secrets.
type caller struct {
	wrong       times
	bannedUntil time.Time
}

type tokenReply struct {
	status
	AccessToken string `json:"access_token,omitempty"`
	ExpiresIn   int64  `json:"expires_in,omitempty"` // seconds
}

// getToken serves gettoken (page 91039). While a token is valid, a repeat returns the same one and its
// remaining seconds; it is unknown whether WeCom returns those or the full 7200.
func (s *Simulator) getToken(c *call) (reply, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	given := credentials(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.sweep(now)
	key, err := s.checkSecret(c, given.Get("corpid"), given.Get("corpsecret"), now)
	if err != nil {
		return nil, err
	}
	t := s.livingToken(key, c.dir.rules, now)
	return &tokenReply{AccessToken: t.value, ExpiresIn: int64(t.expires.Sub(now) / time.Second)}, nil
}

// credentials come in the query, or by POST as a form or as JSON.
func credentials(c *call) url.Values {
	given := c.r.URL.Query()
	if c.r.Method != http.MethodPost {
		return given
	}
	if bytes.HasPrefix(bytes.TrimSpace(c.raw), []byte("{")) {
		var body map[string]string
		if json.Unmarshal(c.raw, &body) == nil {
			for name, value := range body {
				given.Set(name, value)
			}
		}
		return given
	}
	form, err := url.ParseQuery(string(c.raw))
	if err == nil {
		for name := range form {
			given.Set(name, form.Get(name))
		}
	}
	return given
}

// checkSecret checks the secret first, then the corpid, in the order observed at WeCom.
func (s *Simulator) checkSecret(c *call, corpID, secret string, now time.Time) (appKey, error) {
	banned := s.callers[c.ip]
	knownCorp := false
	switch {
	case banned != nil && now.Before(banned.bannedUntil):
		return appKey{}, wecom.Code(45009)
	case secret == "":
		return appKey{}, wecom.Code(41004)
	case corpID == "":
		return appKey{}, wecom.Code(41002)
	}
	for _, app := range c.dir.rules.Apps {
		if app.CorpID != corpID {
			continue
		}
		if app.Secret == secret {
			return app.key(), nil
		}
		knownCorp = true
	}
	if !knownCorp {
		return appKey{}, wecom.Code(40013)
	}
	s.blame(c, now)
	return appKey{}, wecom.Code(40001)
}

// blame counts a wrong secret against the caller's address.
func (s *Simulator) blame(c *call, now time.Time) {
	limit := c.dir.rules.WrongSecrets
	culprit := s.callers[c.ip]
	if culprit == nil {
		culprit = &caller{}
		s.callers[c.ip] = culprit
	}
	culprit.wrong = culprit.wrong.add(now, limit)
	if culprit.wrong.full(limit, wrongSecretSpan, now) {
		culprit.bannedUntil = now.Add(wrongSecretSpan)
	}
}

// livingToken returns the app's token if it has at least a second left, else a
// new one.
func (s *Simulator) livingToken(key appKey, rules Rules, now time.Time) *token {
	state := s.appState(key)
	if t := state.token; t != nil && t.expires.Sub(now) >= time.Second && !t.usedUp(rules) {
		return t
	}
	state.token = &token{value: nonce(160), app: key, expires: now.Add(time.Duration(rules.TokenTTL))}
	s.tokens.put(state.token.value, state.token)
	s.stats.TokensIssued++
	return state.token
}

// checkToken finds the app behind an access token and counts the use. The token
// is read from the URL's query only, as WeCom does.
func (s *Simulator) checkToken(d *directory, value string, now time.Time) (appKey, error) {
	if value == "" {
		return appKey{}, wecom.Code(41001)
	}
	t, ok := s.tokens.get(value)
	if !ok {
		return appKey{}, wecom.Code(40014)
	}
	if _, exists := d.app(t.app); !exists {
		return appKey{}, wecom.Code(40014)
	}
	if !now.Before(t.expires) || t.usedUp(d.rules) {
		return appKey{}, wecom.Code(42001)
	}
	t.uses++
	return t.app, nil
}

func (t *token) usedUp(rules Rules) bool {
	return rules.TokenUses > 0 && t.uses >= rules.TokenUses
}

// ExpireTokens expires every access token: the next call with one gets 42001.
func (s *Simulator) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens.values {
		t.expires = time.Time{}
	}
}
