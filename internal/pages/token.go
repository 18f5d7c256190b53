package pages

import (
	"context"
	"slices"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
)

// Tokens are the gateway's tokens. Used looks up the usage of some of them, by name.
type Tokens struct {
	All  []config.Token
	Used func(ctx context.Context, names []string) (map[string]budget.Usage, error)
}

// tokenView is a token on the overview.
type tokenView struct {
	Name   string
	Shares []budget.Share
}

// visible are the tokens with limits that a client may see: its own, and with the scope admin all that may use
// one of its apps.
func (t Tokens) visible(identity *gateway.Identity) []config.Token {
	mine := identity.Apps()
	return slices.DeleteFunc(slices.Clone(t.All), func(token config.Token) bool {
		shared := slices.ContainsFunc(token.Apps, func(app string) bool { return slices.Contains(mine, app) })
		may := token.Name == identity.Name() || identity.Has(config.ScopeAdmin) && shared
		return !may || !token.Limits.Counted()
	})
}

// tokenViews are the visible tokens, and their usage.
func (p *Pages) tokenViews(ctx context.Context, identity *gateway.Identity) ([]tokenView, error) {
	tokens := *p.tokens.Load()
	visible := tokens.visible(identity)
	if len(visible) == 0 {
		return nil, nil
	}
	names := make([]string, len(visible))
	for i, token := range visible {
		names[i] = token.Name
	}
	used, err := tokens.Used(ctx, names)
	views := make([]tokenView, len(visible))
	for i, token := range visible {
		views[i] = tokenView{token.Name, token.Limits.Shares(used[token.Name])}
	}
	return views, err
}
