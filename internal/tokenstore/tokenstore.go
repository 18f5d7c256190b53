// Package tokenstore keeps each app's access token in Redis, shared by all
// processes: at most one gettoken at a time for an app, none while an earlier
// failure is waited out.
package tokenstore

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// lockLifetime bounds how long a process that died while calling gettoken
	// keeps the others waiting.
	lockLifetime = 15 * time.Second
	// fetchTimeout ends before the lock does.
	fetchTimeout = 12 * time.Second
	pollInterval = 25 * time.Millisecond
)

var (
	//go:embed acquire.lua
	acquireSource string
	//go:embed save.lua
	saveSource string
	//go:embed fail.lua
	failSource string
	//go:embed drop.lua
	dropSource string

	acquireScript = redis.NewScript(acquireSource)
	saveScript    = redis.NewScript(saveSource)
	failScript    = redis.NewScript(failSource)
	dropScript    = redis.NewScript(dropSource)
)

// Store is one app's [wecom.TokenStore] in Redis.
type Store struct {
	rdb redis.UniversalClient
	app string
}

var _ wecom.TokenStore = (*Store)(nil)

// New gives the store of app.
func New(rdb redis.UniversalClient, app string) *Store { return &Store{rdb: rdb, app: app} }

// Token implements [wecom.TokenStore].
func (s *Store) Token(ctx context.Context, fetch wecom.FetchToken) (wecom.AccessToken, error) {
	owner := rand.Text()
	for {
		answer, err := s.acquire(ctx, owner)
		if err != nil {
			return wecom.AccessToken{}, unavailable(err)
		}
		switch answer.verdict {
		case "token":
			return answer.token, nil
		case "held":
			return wecom.AccessToken{}, answer.held
		case "fetch":
			return s.fetch(ctx, owner, answer.failures, fetch)
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return wecom.AccessToken{}, unavailable(context.Cause(ctx))
		}
	}
}

// Drop implements [wecom.TokenStore].
func (s *Store) Drop(ctx context.Context, token wecom.Secret) error {
	err := dropScript.Run(ctx, s.rdb, []string{keys.Token(s.app)}, string(token)).Err()
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// fetch calls gettoken while holding the lock, and gives the lock back whatever
// becomes of the caller.
func (s *Store) fetch(
	ctx context.Context, owner string, failures int, fetch wecom.FetchToken,
) (wecom.AccessToken, error) {
	fetchCtx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	token, err := fetch(fetchCtx)
	ctx, cancelSave := context.WithTimeout(context.WithoutCancel(ctx), lockLifetime-fetchTimeout)
	defer cancelSave()
	if err != nil {
		return wecom.AccessToken{}, errors.Join(err, s.fail(ctx, owner, failures+1, err))
	}
	lock, failure := keys.TokenLock(s.app), keys.TokenFailure(s.app)
	saveErr := saveScript.Run(ctx, s.rdb, []string{keys.Token(s.app), lock, failure}, owner, string(token.Value),
		time.Until(token.RefreshAt).Milliseconds(), time.Until(token.ExpiresAt).Milliseconds(), 0).Err()
	if saveErr != nil {
		return wecom.AccessToken{}, unavailable(saveErr)
	}
	return token, nil
}

func (s *Store) fail(ctx context.Context, owner string, failures int, cause error) error {
	var rest time.Duration
	if wecom.TokenFailureLasts(cause) {
		rest = wecom.TokenBackoff(failures)
	}
	f := failureOf(cause)
	return failScript.Run(ctx, s.rdb, []string{keys.TokenLock(s.app), keys.TokenFailure(s.app)},
		owner, rest.Milliseconds(), failures, int64(f.code), f.msg, f.status, 0).Err()
}

// unavailable says that nothing was sent to WeCom: Redis did not answer.
func unavailable(err error) error {
	return &wecom.CallError{API: wecom.APIGetToken, Err: fmt.Errorf("shared token: %w", err)}
}
