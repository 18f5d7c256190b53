// Package tokenstore keeps each app's access token in Redis, shared by all processes: at most one gettoken at a
// time for an app, and none while an earlier failure is waited out.
package tokenstore

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/callfailure"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// lockLifetime limits how long a process that died while calling gettoken blocks the others.
	lockLifetime = 15 * time.Second
	// fetchTimeout is shorter than lockLifetime.
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
	//go:embed forgive.lua
	forgiveSource string

	acquireScript = redis.NewScript(acquireSource)
	saveScript    = redis.NewScript(saveSource)
	failScript    = redis.NewScript(failSource)
	dropScript    = redis.NewScript(dropSource)
	forgiveScript = redis.NewScript(forgiveSource)
)

// Store is one app's [wecom.TokenStore] in Redis.
type Store struct {
	rdb                  redis.UniversalClient
	token, lock, failure string // keys
	seal                 *seal.Keys
	unreadable           func(error)
}

var _ wecom.TokenStore = (*Store)(nil)

// New returns the store of app with these credentials: a new secret must find neither the token nor the failures
// of the old one.
func New(rdb redis.UniversalClient, app, corpID string, secret wecom.Secret) *Store {
	sum := sha256.Sum256([]byte(corpID + "\x00" + string(secret)))
	credentials := hex.EncodeToString(sum[:8])
	return &Store{
		rdb: rdb, token: keys.Token(app, credentials), lock: keys.TokenLock(app, credentials),
		failure: keys.TokenFailure(app, credentials), unreadable: func(error) {},
	}
}

// Sealed returns the store with tokens encrypted in Redis with these keys; nil leaves them unencrypted.
// Unencrypted tokens are accepted as well. A token that cannot be decrypted counts as absent, after unreadable
// is called with the reason.
func (s *Store) Sealed(k *seal.Keys, unreadable func(error)) *Store {
	sealed := *s
	sealed.seal, sealed.unreadable = k, unreadable
	return &sealed
}

// Token implements [wecom.TokenStore].
func (s *Store) Token(ctx context.Context, fetch wecom.FetchToken) (wecom.AccessToken, error) {
	owner, unreadable := rand.Text(), wecom.Secret("")
	for {
		answer, err := s.acquire(ctx, owner, unreadable)
		if err != nil {
			return wecom.AccessToken{}, unavailable(err)
		}
		switch answer.verdict {
		case "token":
			token, err := s.open(answer.token)
			if err == nil {
				return token, nil
			}
			unreadable = answer.token.Value
			s.unreadable(err)
			continue
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

// open decrypts a stored token.
func (s *Store) open(stored wecom.AccessToken) (wecom.AccessToken, error) {
	value, err := s.seal.Open(string(stored.Value), s.token)
	stored.Value = wecom.Secret(value)
	return stored, err
}

// Drop implements [wecom.TokenStore].
func (s *Store) Drop(ctx context.Context, token wecom.Secret) error {
	stored, err := s.rdb.HGet(ctx, s.token, "token").Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return unavailable(err)
	}
	if value, err := s.seal.Open(stored, s.token); err != nil || value != string(token) {
		return nil //nolint:nilerr // who cannot open it has not used it: it is another one
	}
	if err := dropScript.Run(ctx, s.rdb, []string{s.token}, stored).Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Forgive allows gettoken to be called at once, although its last failure is still being waited out: the cause
// has been fixed.
func (s *Store) Forgive(ctx context.Context) error {
	if err := forgiveScript.Run(ctx, s.rdb, []string{s.failure}).Err(); err != nil {
		return fmt.Errorf("let gettoken be called again: %w", err)
	}
	return nil
}

// fetch calls gettoken while holding the lock, and releases the lock even if the caller is cancelled.
func (s *Store) fetch(
	ctx context.Context, owner string, failures int, fetch wecom.FetchToken,
) (wecom.AccessToken, error) {
	fetchCtx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	token, err := fetch(fetchCtx)
	ctx, cancelSave := context.WithTimeout(context.WithoutCancel(ctx), lockLifetime-fetchTimeout)
	defer cancelSave()
	if err != nil {
		return wecom.AccessToken{}, s.fail(ctx, owner, failures+1, err)
	}
	saveErr := saveScript.Run(ctx, s.rdb, []string{s.token, s.lock, s.failure}, owner, s.seal.Seal(string(token.Value), s.token),
		time.Until(token.RefreshAt).Milliseconds(), time.Until(token.ExpiresAt).Milliseconds(), 0).Err()
	if saveErr != nil {
		return wecom.AccessToken{}, unavailable(saveErr)
	}
	return token, nil
}

// fail records how gettoken failed, and says when it is called again.
func (s *Store) fail(ctx context.Context, owner string, failures int, cause error) error {
	f := callfailure.Of(cause)
	hold := wecom.TokenBackoff(cause, failures)
	if hold > 0 {
		cause = &wecom.TokenHeldError{Until: time.Now().Add(hold), Err: cause}
	}
	return errors.Join(cause, failScript.Run(ctx, s.rdb, []string{s.lock, s.failure},
		owner, hold.Milliseconds(), failures, int64(f.Code), f.Msg, f.Status, 0).Err())
}

// unavailable is the error if Redis did not answer: nothing was sent to WeCom.
func unavailable(err error) error {
	return &wecom.UnsentError{Err: fmt.Errorf("shared token: %w", err)}
}
