package tokenstore_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
)

func TestNoTokenIsUsedPastItsLife(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after time.Duration // how far Redis's clock is ahead when the token is saved, and later
		want          string
		life          time.Duration
	}{
		"hosts are an hour behind":           {before: time.Hour, after: time.Hour, want: "token-1", life: 2 * time.Hour},
		"hosts are an hour ahead":            {before: -time.Hour, after: -time.Hour, want: "token-1", life: 2 * time.Hour},
		"the clock is set past the token":    {after: 3 * time.Hour, want: "token-2", life: 2 * time.Hour},
		"the clock is set back":              {after: -time.Hour, want: "token-2", life: 2 * time.Hour},
		"the clock is set back by a moment":  {after: -300 * time.Millisecond, want: "token-1", life: 2 * time.Hour},
		"the clock is set ahead in its life": {after: time.Hour, want: "token-1", life: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, clock := redistest.StartWithClock(t)
			rdb := server.Client()
			gettoken := &issuer{life: 2 * time.Hour}
			clock.Set(tc.before)
			if _, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch); err != nil {
				t.Fatal(err)
			}
			clock.Set(tc.after)
			token, err := newStore(rdb, "ops").Token(t.Context(), gettoken.fetch)
			if err != nil || string(token.Value) != tc.want {
				t.Errorf("token %q, error %v; want %s", string(token.Value), err, tc.want)
			}
			if left := time.Until(token.ExpiresAt); left > tc.life+2*time.Second || left < tc.life-time.Minute {
				t.Errorf("it is used for another %s, want %s", left, tc.life)
			}
		})
	}
}
