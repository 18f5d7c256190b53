package wecom

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// errTokenRefused is a fault of the app's settings to all appearances: class config.
var errTokenRefused = &Error{
	API: APIGetToken, Code: 40014, Msg: "gettoken answers with the very token that WeCom has just refused",
}

// tokenCache is the token as this process knows it, in front of the store.
type tokenCache struct {
	fetch   FetchToken
	store   TokenStore
	current atomic.Pointer[AccessToken]
	refused atomic.Pointer[Secret] // the last token that WeCom refused

	turn      chan struct{} // held by the one who asks the store; guards what follows
	heldUntil time.Time
}

func newTokenCache(fetch FetchToken, store TokenStore) *tokenCache {
	if store == nil {
		store = &localTokens{}
	}
	return &tokenCache{fetch: fetch, store: store, turn: make(chan struct{}, 1)}
}

func (c *tokenCache) get(ctx context.Context) (Secret, error) {
	token := c.current.Load()
	now := time.Now()
	if token == nil || !now.Before(token.ExpiresAt) {
		return c.replace(ctx)
	}
	if !now.Before(token.RefreshAt) {
		c.replaceEarly(ctx, token)
	}
	return token.Value, nil
}

// replace waits for its turn and asks the store, unless who was before it did.
func (c *tokenCache) replace(ctx context.Context) (Secret, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return "", &CallError{API: APIGetToken, Err: context.Cause(ctx)}
	}
	defer func() { <-c.turn }()
	now := time.Now()
	if token := c.current.Load(); token != nil && now.Before(token.ExpiresAt) {
		return token.Value, nil
	}
	if now.Before(c.heldUntil) {
		return "", &TokenHeldError{Until: c.heldUntil, Err: errTokenRefused}
	}
	token, err := c.store.Token(ctx, c.fetch)
	if err != nil {
		return "", err
	}
	if refused := c.refused.Swap(nil); refused != nil && *refused == token.Value {
		return "", c.hold(ctx, token.Value)
	}
	c.current.Store(&token)
	return token.Value, nil
}

// hold rests when WeCom issues a token and refuses it: without a pause every
// message would cost a gettoken, and frequent gettokens are blocked (91039).
func (c *tokenCache) hold(ctx context.Context, token Secret) error {
	c.heldUntil = time.Now().Add(firstTokenBackoff)
	held := &TokenHeldError{Until: c.heldUntil, Err: errTokenRefused}
	return errors.Join(held, c.store.Drop(ctx, token))
}

// replaceEarly lets one caller look for a new token while the others go on with
// the old one, which still works: a failure here is nobody's failure.
func (c *tokenCache) replaceEarly(ctx context.Context, old *AccessToken) {
	select {
	case c.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-c.turn }()
	next, err := c.store.Token(ctx, c.fetch)
	if err != nil || next.Value == old.Value {
		next = *old
		next.RefreshAt = time.Now().Add(earlyRetry)
	}
	c.current.CompareAndSwap(old, &next)
}

// drop forgets token in the store and here, unless it has been replaced already.
// The store comes first: whoever finds the cache empty must not find it there.
func (c *tokenCache) drop(ctx context.Context, token Secret) error {
	if err := c.store.Drop(ctx, token); err != nil {
		return err
	}
	c.refused.Store(&token)
	for current := c.current.Load(); current != nil && current.Value == token; current = c.current.Load() {
		if c.current.CompareAndSwap(current, nil) {
			break
		}
	}
	return nil
}

// localTokens is the store of a client that shares its token with nobody. Its
// cache keeps the token and calls it once at a time.
type localTokens struct {
	failures int
	held     TokenHeldError
}

func (l *localTokens) Token(ctx context.Context, fetch FetchToken) (AccessToken, error) {
	if time.Now().Before(l.held.Until) {
		held := l.held
		return AccessToken{}, &held
	}
	token, err := fetch(ctx)
	switch {
	case err == nil:
		l.failures = 0
	case TokenFailureLasts(err):
		l.failures++
		l.held = TokenHeldError{Until: time.Now().Add(TokenBackoff(l.failures)), Err: err}
	}
	return token, err
}

func (l *localTokens) Drop(context.Context, Secret) error { return nil }
