package wecom

import (
	"context"
	"sync/atomic"
	"time"
)

// errTokenRefused counts as a fault of the app's settings: class config.
var errTokenRefused = &Error{
	API: APIGetToken, Code: 40014, Msg: "gettoken answers with the very token that WeCom has just refused",
}

// tokenCache is the token as this process knows it, in front of the store.
type tokenCache struct {
	fetch   FetchToken
	store   TokenStore
	current atomic.Pointer[issue]
	refused atomic.Pointer[issue] // the last one that WeCom refused
	held    atomic.Int64          // no gettoken before this time, in Unix ns
	turn    chan struct{}         // held by the one who asks the store
}

// issue is one answer of gettoken, which may give the same token again.
type issue struct {
	AccessToken

	fetched   bool         // by this process; others may have found it in the store, where it may be as old as any
	repeated  bool         // the same token as the refused one before it
	refreshAt atomic.Int64 // Unix ns
}

func newTokenCache(fetch FetchToken, store TokenStore) *tokenCache {
	if store == nil {
		store = &localTokens{}
	}
	return &tokenCache{fetch: fetch, store: store, turn: make(chan struct{}, 1)}
}

func (c *tokenCache) get(ctx context.Context) (*issue, error) {
	token := c.current.Load()
	now := time.Now()
	if token == nil || !now.Before(token.ExpiresAt) {
		return c.replace(ctx)
	}
	if now.UnixNano() >= token.refreshAt.Load() {
		c.replaceEarly(ctx, token)
	}
	return token, nil
}

// replace waits for its turn and asks the store, unless the caller before it has.
func (c *tokenCache) replace(ctx context.Context) (*issue, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, &CallError{API: APIGetToken, Err: context.Cause(ctx)}
	}
	defer func() { <-c.turn }()
	now := time.Now()
	if token := c.current.Load(); token != nil && now.Before(token.ExpiresAt) {
		return token, nil
	}
	if held := time.Unix(0, c.held.Load()); now.Before(held) {
		return nil, &TokenHeldError{Until: held, Err: errTokenRefused}
	}
	token, fetched, err := c.ask(ctx)
	if err != nil {
		return nil, err
	}
	return c.keep(token, fetched), nil
}

// ask asks the store, and tells whether that fetched a token.
func (c *tokenCache) ask(ctx context.Context) (token AccessToken, fetched bool, err error) {
	token, err = c.store.Token(ctx, func(ctx context.Context) (AccessToken, error) {
		fetched = true
		return c.fetch(ctx)
	})
	return token, fetched, err
}

func (c *tokenCache) keep(token AccessToken, fetched bool) *issue {
	refused := c.refused.Swap(nil)
	next := &issue{AccessToken: token, fetched: fetched, repeated: refused != nil && refused.Value == token.Value}
	next.refreshAt.Store(token.RefreshAt.UnixNano())
	c.current.Store(next)
	return next
}

// replaceEarly lets one caller look for a new token while the others go on with
// the old one, which still works: a failure here fails no call.
func (c *tokenCache) replaceEarly(ctx context.Context, old *issue) {
	select {
	case c.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-c.turn }()
	if c.current.Load() != old {
		return
	}
	if next, fetched, err := c.ask(ctx); err == nil && next.Value != old.Value {
		c.keep(next, fetched)
		return
	}
	old.refreshAt.Store(time.Now().Add(earlyRetry).UnixNano())
}

// drop removes a refused token in the store and here, unless it has been
// replaced already. The store comes first: whoever finds the cache empty must
// not find it there.
//
// A token that gettoken returned again and that is refused again starts a backoff:
// without it every message would cost a gettoken, and frequent ones are blocked
// (91039).
func (c *tokenCache) drop(ctx context.Context, token *issue) error {
	if err := c.store.Drop(ctx, token.Value); err != nil {
		return err
	}
	if c.current.CompareAndSwap(token, nil) {
		c.refused.Store(token)
		if token.repeated {
			c.held.Store(time.Now().Add(firstTokenBackoff).UnixNano())
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
	if err == nil {
		l.failures = 0
		return token, nil
	}
	if wait := TokenBackoff(err, l.failures+1); wait > 0 {
		l.failures++
		l.held = TokenHeldError{Until: time.Now().Add(wait), Err: err}
	}
	return token, err
}

func (l *localTokens) Drop(context.Context, Secret) error { return nil }
