package daemon

import (
	"context"
	"time"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
)

// limits are those of the gateway's tokens, by name.
func (d *Deployment) limits() map[string]budget.Limits {
	all := make(map[string]budget.Limits, len(d.Config.Gateway.Tokens))
	for _, token := range d.Config.Gateway.Tokens {
		all[token.Name] = token.Limits
	}
	return all
}

// TokenStatus is what operators see of a token of the gateway.
type TokenStatus struct {
	Token   string         `json:"token"` // its name
	Apps    []string       `json:"apps"`
	Scopes  []config.Scope `json:"scopes"`
	Expires time.Time      `json:"expires,omitzero"`
	// LastUsed is to the minute; zero if that was never, or over 90 days ago.
	LastUsed time.Time      `json:"last_used,omitzero"`
	Limits   []budget.Share `json:"limits"` // those that are counted, and what is used of them
}

// TokenStatuses are those of all tokens, in the order of the config.
func (d *Deployment) TokenStatuses(ctx context.Context) ([]TokenStatus, error) {
	tokens := d.Config.Gateway.Tokens
	names := make([]string, len(tokens))
	for i, token := range tokens {
		names[i] = token.Name
	}
	used, err := budget.Used(ctx, d.rdb, names)
	if err != nil {
		return nil, err
	}
	lastUsed, err := readLastUses(ctx, d.rdb, names)
	if err != nil {
		return nil, err
	}
	all := make([]TokenStatus, len(tokens))
	for i, token := range tokens {
		all[i] = TokenStatus{token.Name, token.Apps, token.Scopes, token.Expires, lastUsed[token.Name], token.Limits.Shares(used[token.Name])}
	}
	return all, nil
}
