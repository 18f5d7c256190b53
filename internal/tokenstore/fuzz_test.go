package tokenstore_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/wecom"
)

// FuzzToken proves that, whatever Redis contains, a token that is used is still valid for a while, and
// unreadable data keeps no app from getting one.
func FuzzToken(f *testing.F) {
	f.Add("token", "1", "2", "3", "", "", "")
	f.Add("sealed:00000000:", "9999999999999", "9999999999999", "0", "9999999999999", "40001", "x")
	f.Add("t", "", "soon", "nan", "1e999", "-", "")
	f.Add("t", "inf", "inf", "-inf", "inf", "0x10", "")
	rdb := redistest.New(f)
	f.Fuzz(func(t *testing.T, token, refreshAt, expiresAt, savedAt, until, code, failures string) {
		ctx := t.Context()
		pipe := rdb.Pipeline()
		pipe.Del(ctx, tokenKey, lockKey, tokenKey+":failure")
		pipe.HSet(ctx, tokenKey, "token", token, "refresh_at", refreshAt, "expires_at", expiresAt, "saved_at", savedAt)
		pipe.HSet(ctx, tokenKey+":failure", "until", until, "code", code, "failures", failures)
		if _, err := pipe.Exec(ctx); err != nil {
			t.Fatal(err)
		}
		store := newStore(rdb, "ops").Sealed(keyring(t, "a"), func(error) {})
		got, err := store.Token(ctx, (&issuer{life: time.Hour}).fetch)
		if _, held := err.(*wecom.TokenHeldError); err != nil && !held { //nolint:errorlint // it is not wrapped
			t.Errorf("%v", err)
		}
		if err == nil && (string(got.Value) != token && got.Value != "token-1" || time.Until(got.ExpiresAt) <= 0) {
			t.Errorf("token %q until %s", string(got.Value), got.ExpiresAt)
		}
	})
}
