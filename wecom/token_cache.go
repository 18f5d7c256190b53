package wecom

import (
	"context"
	"sync/atomic"
	"time"
)

// errTokenRefused counts as a configuration error of the app.
var errTokenRefused = &Error{
	API: APIGetToken, Code: 40014, Msg: "gettoken returned the token that WeCom has just refused",
}

// tokenCache is this process's copy of the token, in front of the store.
type tokenCache struct {
	fetch   FetchToken
	store   TokenStore
	current atomic.Pointer[issue]
	refused atomic.Pointer[issue] // the last one that WeCom refused
	held    atomic.Int64          // no gettoken before this time, in Unix ns
	asking  chan struct{}         // held by the caller that queries the store
}

// issue is one answer of gettoken, which may return the same token again.
type issue struct {
	AccessToken

	fetched   bool         // by this process, not found in the store, where it may be of any age
	repeated  bool         // the same as the token refused before
	refreshAt atomic.Int64 // Unix ns
}

func newTokenCache(fetch FetchToken, store TokenStore) *tokenCache {
	if store == nil {
		store = &localTokens{}
	}
	return &tokenCache{fetch: fetch, store: store, asking: make(chan struct{}, 1)}
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

// replace waits for its turn and queries the store, unless the previous caller has.
func (c *tokenCache) replace(ctx context.Context) (*issue, error) {
	select {
	case c.asking <- struct{}{}:
	case <-ctx.Done():
		return nil, &CallError{API: APIGetToken, Err: context.Cause(ctx)}
	}
	defer func() { <-c.asking }()
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

// ask queries the store, and reports whether that fetched a token.
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

// replaceEarly lets one caller fetch a new token while the others use the old one, which still works: a
// failure here fails no call.
func (c *tokenCache) replaceEarly(ctx context.Context, old *issue) {
	select {
	case c.asking <- struct{}{}:
	default:
		return
	}
	defer func() { <-c.asking }()
	if c.current.Load() != old {
		return
	}
	if next, fetched, err := c.ask(ctx); err == nil && next.Value != old.Value {
		c.keep(next, fetched)
		return
	}
	old.refreshAt.Store(time.Now().Add(earlyRetry).UnixNano())
}

// drop removes a refused token from the store and from the cache, unless it has already been replaced. The
// store comes first, so that a caller with an empty cache does not find it there.
//
// A token that gettoken returned again and that is refused again starts a backoff: without it every message
// would call gettoken, and frequent calls are blocked (91039).
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

// localTokens is the store of a client that does not share its token. Its cache keeps the token and
// serializes the calls.
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
