package tokenstore_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/wecom"
)

// keyring returns keys whose first bytes are these letters, the newest first; "" is no key.
func keyring(t *testing.T, letters string) *seal.Keys {
	t.Helper()
	var text []string
	for _, letter := range []byte(letters) {
		text = append(text, base64.StdEncoding.EncodeToString(append([]byte{letter}, bytes.Repeat([]byte{7}, 31)...)))
	}
	if len(text) == 0 {
		return nil
	}
	k, err := seal.Parse(strings.Join(text, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// member is a process with these keys, and what it could not read.
type member struct {
	*tokenstore.Store

	unreadable []error
}

func newMember(t *testing.T, rdb redis.UniversalClient, letters string) *member {
	t.Helper()
	m := &member{}
	m.Store = newStore(rdb, "ops").Sealed(keyring(t, letters), func(err error) { m.unreadable = append(m.unreadable, err) })
	return m
}

// Each step is a process that needs a token in a deployment whose keys change.
func TestProcessesWithOtherKeysShareATokenOrFetchOne(t *testing.T) {
	t.Parallel()
	type step struct {
		letters, want string
		complaints    int
	}
	for name, steps := range map[string][]step{
		"all have the key":                {{"a", "token-1", 0}, {"a", "token-1", 0}},
		"a key is introduced":             {{"", "token-1", 0}, {"a", "token-1", 0}},
		"who has no key yet fetches":      {{"a", "token-1", 0}, {"", "token-2", 1}, {"a", "token-2", 0}},
		"a key is rotated":                {{"a", "token-1", 0}, {"ba", "token-1", 0}, {"b", "token-2", 1}, {"ba", "token-2", 0}},
		"a key that nobody knows is lost": {{"a", "token-1", 0}, {"b", "token-2", 1}, {"b", "token-2", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			gettoken := &issuer{life: 2 * time.Hour}
			for i, s := range steps {
				m := newMember(t, rdb, s.letters)
				token, err := m.Token(t.Context(), gettoken.fetch)
				if err != nil || string(token.Value) != s.want || len(m.unreadable) != s.complaints {
					t.Errorf("step %d: token %q, error %v, complaints %v; want %s and %d", i+1, string(token.Value), err, m.unreadable, s.want, s.complaints)
				}
				for _, err := range m.unreadable {
					if !errors.Is(err, seal.ErrUnknownKey) {
						t.Errorf("step %d: %v", i+1, err)
					}
				}
			}
		})
	}
}

func TestASealedTokenIsNotInRedisAndFitsNowhereElse(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	gettoken := &issuer{life: 2 * time.Hour}
	m := newMember(t, rdb, "a")
	if _, err := m.Token(t.Context(), gettoken.fetch); err != nil {
		t.Fatal(err)
	}
	stored := rdb.HGetAll(t.Context(), tokenKey).Val()
	if strings.Contains(strings.Join(rdb.HVals(t.Context(), tokenKey).Val(), " "), "token-1") || !strings.HasPrefix(stored["token"], "sealed:") {
		t.Errorf("Redis has %v", stored)
	}
	// An attacker who can write to Redis gives one app the token of another.
	other := tokenstore.New(rdb, "hr", "ww0123456789abcdef", "s3cret").Sealed(keyring(t, "a"), func(err error) {
		if !errors.Is(err, seal.ErrAltered) {
			t.Error(err)
		}
	})
	if err := rdb.HSet(t.Context(), strings.Replace(tokenKey, "ops", "hr", 1), stored).Err(); err != nil {
		t.Fatal(err)
	}
	if token, err := other.Token(t.Context(), gettoken.fetch); err != nil || token.Value != "token-2" {
		t.Errorf("token %q, error %v; want one of its own", string(token.Value), err)
	}
}

func TestASealedTokenIsDroppedByItsName(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	gettoken := &issuer{life: 2 * time.Hour}
	for _, step := range []struct{ drop, want string }{{"", "token-1"}, {"an-older-token", "token-1"}, {"token-1", "token-2"}, {"token-1", "token-2"}} {
		m := newMember(t, rdb, "a")
		if err := newMember(t, rdb, "b").Drop(t.Context(), "token-1"); err != nil { // it cannot tell
			t.Fatal(err)
		}
		if err := m.Drop(t.Context(), wecom.Secret(step.drop)); err != nil {
			t.Fatal(err)
		}
		if token, err := m.Token(t.Context(), gettoken.fetch); err != nil || string(token.Value) != step.want {
			t.Errorf("after drop %q: token %q, error %v; want %q", step.drop, string(token.Value), err, step.want)
		}
	}
}
