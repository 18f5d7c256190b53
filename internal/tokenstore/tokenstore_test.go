package tokenstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/wecom"
)

// issuer is a gettoken that counts its calls, and how many run concurrently.
type issuer struct {
	calls, inside, most atomic.Int32
	life                time.Duration
	err                 error
	gate                chan struct{} // when set, a call waits for it
}

func (i *issuer) fetch(ctx context.Context) (wecom.AccessToken, error) {
	now := i.inside.Add(1)
	defer i.inside.Add(-1)
	for most := i.most.Load(); now > most && !i.most.CompareAndSwap(most, now); most = i.most.Load() {
	}
	n := i.calls.Add(1)
	if i.gate != nil {
		select {
		case <-i.gate:
		case <-ctx.Done():
			return wecom.AccessToken{}, ctx.Err()
		}
	}
	if i.err != nil {
		return wecom.AccessToken{}, i.err
	}
	return wecom.NewAccessToken(wecom.Secret(fmt.Sprintf("token-%d", n)), time.Now(), i.life), nil
}

// lockKey is that of newStore(rdb, "ops"): its hash is of corp and secret.
const (
	tokenKey = "wecomq:{ops}:token:755394c28846f344"
	lockKey  = tokenKey + ":lock"
)

func newStore(rdb redis.UniversalClient, app string) *tokenstore.Store {
	return tokenstore.New(rdb, app, "ww0123456789abcdef", "s3cret")
}

func TestANewSecretMeetsNothingOfTheOldOne(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	wrong := &issuer{err: &wecom.Error{API: wecom.APIGetToken, Code: 40001, Msg: "invalid credential"}}
	if _, err := newStore(rdb, "ops").Token(t.Context(), wrong.fetch); err == nil {
		t.Fatal("no error from a wrong secret")
	}
	right := tokenstore.New(rdb, "ops", "ww0123456789abcdef", "the-right-one")
	if _, err := right.Token(t.Context(), (&issuer{life: time.Hour}).fetch); err != nil {
		t.Errorf("the right secret is held too: %v", err)
	}
	for _, key := range redistest.Keys(t, rdb, "*") {
		if strings.Contains(key, "s3cret") || strings.Contains(key, "right") {
			t.Errorf("key %s shows a secret", key)
		}
	}
}

func TestManyProcessesFetchOneToken(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	gettoken := &issuer{life: 2 * time.Hour}
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			store := newStore(rdb, "ops") // each process has its own
			token, err := store.Token(t.Context(), gettoken.fetch)
			if err != nil || string(token.Value) != "token-1" {
				t.Errorf("token %q, error %v; want token-1", string(token.Value), err)
			}
			if left := time.Until(token.ExpiresAt); left < 119*time.Minute || left > 2*time.Hour {
				t.Errorf("the token expires in %s, want two hours", left)
			}
		})
	}
	wg.Wait()
	if calls := gettoken.calls.Load(); calls != 1 {
		t.Errorf("gettoken was called %d times, want once", calls)
	}
}

func TestAppsDoNotShareTokens(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	gettoken := &issuer{life: time.Hour}
	for _, app := range []string{"ops", "hr"} {
		if _, err := newStore(rdb, app).Token(t.Context(), gettoken.fetch); err != nil {
			t.Fatal(err)
		}
	}
	if calls := gettoken.calls.Load(); calls != 2 {
		t.Errorf("gettoken was called %d times for two apps, want 2", calls)
	}
}

func TestDropForgetsOnlyTheTokenItNames(t *testing.T) {
	t.Parallel()
	store := newStore(redistest.New(t), "ops")
	gettoken := &issuer{life: time.Hour}
	for _, step := range []struct{ drop, want string }{
		{"", "token-1"},
		{"an-older-token", "token-1"},
		{"token-1", "token-2"},
		{"token-1", "token-2"},
	} {
		if step.drop != "" {
			if err := store.Drop(t.Context(), wecom.Secret(step.drop)); err != nil {
				t.Fatal(err)
			}
		}
		token, err := store.Token(t.Context(), gettoken.fetch)
		if err != nil || string(token.Value) != step.want {
			t.Errorf("after drop %q: token %q, error %v; want %q", step.drop, string(token.Value), err, step.want)
		}
	}
}

func TestAWrongSecretIsNotTriedAgainByAnybody(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	refusal := &wecom.Error{API: wecom.APIGetToken, Code: 40001, Msg: "invalid credential"}
	gettoken := &issuer{err: refusal}
	if _, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch); !errors.Is(err, wecom.Code(40001)) {
		t.Fatalf("error %v, want errcode 40001", err)
	}
	for range 20 {
		_, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch)
		var held *wecom.TokenHeldError
		if !errors.As(err, &held) || !errors.Is(err, wecom.Code(40001)) || wecom.ClassOf(err) != wecom.ClassConfig {
			t.Fatalf("error %v, want a TokenHeldError of errcode 40001 and class config", err)
		}
		if rest := time.Until(held.Until); rest < 25*time.Second || rest > 30*time.Second {
			t.Errorf("gettoken rests for %s, want the first back-off step of 30 s", rest)
		}
	}
	if calls := gettoken.calls.Load(); calls != 1 {
		t.Errorf("gettoken was called %d times with a wrong secret, want once per back-off step", calls)
	}
}

func TestEachFailureInARowRestsLonger(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	gettoken := &issuer{err: &wecom.Error{API: wecom.APIGetToken, Code: 40013, Msg: "invalid corpid"}}
	store := newStore(rdb, "ops")
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute, 5 * time.Minute} {
		if _, err := store.Token(t.Context(), gettoken.fetch); err == nil {
			t.Fatal("no error from a wrong corpid")
		}
		_, err := store.Token(t.Context(), gettoken.fetch)
		var held *wecom.TokenHeldError
		if !errors.As(err, &held) {
			t.Fatalf("error %v, want a TokenHeldError", err)
		}
		if rest := time.Until(held.Until); rest < want-5*time.Second || rest > want {
			t.Errorf("gettoken rests for %s, want %s", rest, want)
		}
		// The step is over.
		if err := rdb.HSet(t.Context(), tokenKey+":failure", "until", 1).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhileWeComIsUnreachableGettokenIsCalledEverySecondAtMost(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	store := newStore(rdb, "ops")
	down := &wecom.CallError{API: wecom.APIGetToken, Err: errors.New("connection refused")}
	if _, err := store.Token(t.Context(), (&issuer{err: down}).fetch); !errors.Is(err, down) {
		t.Fatalf("error %v, want %v", err, down)
	}
	well := &issuer{life: time.Hour}
	_, err := store.Token(t.Context(), well.fetch)
	held, ok := errors.AsType[*wecom.TokenHeldError](err)
	if !ok || wecom.ClassOf(err) != wecom.ClassUnreachable || time.Until(held.Until) > time.Second {
		t.Errorf("the next call fails with %v of class %s, want it held for a second", err, wecom.ClassOf(err))
	}
	if err := rdb.HSet(t.Context(), tokenKey+":failure", "until", 1).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Token(t.Context(), well.fetch); err != nil {
		t.Errorf("a second later the call fails with %v, want a token", err)
	}
}

func TestATokenPastItsRefreshIsFetchedByOneAndUsedByTheOthers(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	stale := wecom.AccessToken{Value: "old", RefreshAt: time.Now(), ExpiresAt: time.Now().Add(time.Minute)}
	store := newStore(rdb, "ops")
	if _, err := store.Token(t.Context(), func(context.Context) (wecom.AccessToken, error) { return stale, nil }); err != nil {
		t.Fatal(err)
	}
	gettoken := &issuer{life: time.Hour, gate: make(chan struct{})}
	fetched := make(chan wecom.AccessToken)
	go func() {
		token, _ := store.Token(t.Context(), gettoken.fetch)
		fetched <- token
	}()
	for gettoken.inside.Load() == 0 { // until the first is inside gettoken
		if t.Context().Err() != nil {
			t.Fatal("nobody calls gettoken")
		}
	}
	token, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch)
	if err != nil || token.Value != "old" {
		t.Errorf("token %q, error %v; want the old one, which still works", string(token.Value), err)
	}
	close(gettoken.gate)
	if token := <-fetched; token.Value != "token-1" {
		t.Errorf("token %q, want the new one", string(token.Value))
	}
	if calls := gettoken.calls.Load(); calls != 1 {
		t.Errorf("gettoken was called %d times, want once", calls)
	}
}

func TestTheLockOfADeadProcessEnds(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	// A process took the lock and died.
	if err := rdb.Set(t.Context(), lockKey, "dead", 50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	gettoken := &issuer{life: time.Hour}
	if _, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch); err != nil {
		t.Errorf("error %v, want a token once the lock has ended", err)
	}
}

func TestTheLockComesBackWhenTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	store := newStore(rdb, "ops")
	_, err := store.Token(ctx, func(context.Context) (wecom.AccessToken, error) {
		cancel()
		return wecom.AccessToken{}, context.Canceled
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want canceled", err)
	}
	if n := rdb.Exists(t.Context(), lockKey).Val(); n != 0 {
		t.Error("the lock is still held")
	}
}

func TestRedisAwayMeansThatNothingWasSent(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := newStore(server.Client(), "ops")
	server.Kill()
	_, err := store.Token(t.Context(), (&issuer{}).fetch)
	if wecom.ClassOf(err) != wecom.ClassTransient {
		t.Errorf("error %v of class %s, want transient: no message was posted", err, wecom.ClassOf(err))
	}
}

func TestForgivenFailuresAreNotWaitedOut(t *testing.T) {
	t.Parallel()
	s := tokenstore.New(redistest.New(t), "ops", "corp", "wrong")
	calls := 0
	refuse := func(context.Context) (wecom.AccessToken, error) {
		calls++
		return wecom.AccessToken{}, &wecom.Error{API: wecom.APIGetToken, Code: 40001}
	}
	var held *wecom.TokenHeldError
	ask := func() {
		if _, err := s.Token(t.Context(), refuse); !errors.As(err, &held) {
			t.Fatalf("error %v, want it to say when the next try is", err)
		}
	}
	ask()
	ask()
	if calls != 1 {
		t.Fatalf("gettoken was called %d times, want the second to be held", calls)
	}
	if err := s.Forgive(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask()
	if calls != 2 {
		t.Fatalf("gettoken was called %d times, want twice", calls)
	}
	if rest := time.Until(held.Until); rest < 50*time.Second {
		t.Errorf("the next try is in %s, want the wait to grow all the same", rest)
	}
}

func TestAFullRedisTakesATokenAndItsFailure(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	store := newStore(rdb, "ops")
	wrong := &wecom.Error{API: wecom.APIGetToken, Code: 40001, Msg: "invalid credential"}
	if _, err := store.Token(t.Context(), (&issuer{err: wrong}).fetch); !errors.Is(err, wrong) || strings.Contains(err.Error(), "OOM") {
		t.Errorf("a failure: %v", err)
	}
	if _, err := newStore(rdb, "other").Token(t.Context(), (&issuer{life: time.Hour}).fetch); err != nil {
		t.Errorf("a token: %v", err)
	}
}
