package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wecomq/wecomq/wecom"
)

// The reasons of a gettoken.
const (
	refreshFirst   = "first"   // there was no valid token
	refreshEarly   = "early"   // the old one is valid for some more minutes
	refreshExpired = "expired" // the old one has expired
	refreshRefused = "refused" // WeCom has invalidated the old one early (40014, 42001)
	refreshFailed  = "failed"  // gettoken failed, for whatever reason
)

var refreshReasons = []string{refreshFirst, refreshEarly, refreshExpired, refreshRefused, refreshFailed}

// tokenCounter counts an app's calls of gettoken, by reason. A token that another process fetched costs this one
// no call, and is not counted here.
type tokenCounter struct {
	wecom.TokenStore

	calls *prometheus.CounterVec // by reason

	mu      sync.Mutex
	last    wecom.AccessToken // the last one of this process
	refused bool              // whether WeCom refused it
}

// Token implements [wecom.TokenStore].
func (c *tokenCounter) Token(ctx context.Context, fetch wecom.FetchToken) (wecom.AccessToken, error) {
	token, err := c.TokenStore.Token(ctx, func(ctx context.Context) (wecom.AccessToken, error) {
		token, err := fetch(ctx)
		c.calls.WithLabelValues(c.reason(err)).Inc()
		return token, err
	})
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.last, c.refused = token, false
	}
	return token, err
}

// Drop implements [wecom.TokenStore].
func (c *tokenCounter) Drop(ctx context.Context, token wecom.Secret) error {
	c.mu.Lock()
	c.refused = c.refused || token == c.last.Value
	c.mu.Unlock()
	return c.TokenStore.Drop(ctx, token)
}

func (c *tokenCounter) reason(err error) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		return refreshFailed
	case c.refused:
		return refreshRefused
	case c.last.Value == "":
		return refreshFirst
	case time.Now().Before(c.last.ExpiresAt):
		return refreshEarly
	default:
		return refreshExpired
	}
}
