package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// refreshes are the counts other than 0, by reason.
func refreshes(m *Metrics) map[string]float64 {
	counts := map[string]float64{}
	for _, reason := range refreshReasons {
		if n := testutil.ToFloat64(m.refreshes.WithLabelValues("ops", reason)); n > 0 {
			counts[reason] = n
		}
	}
	return counts
}

func sharedToken(rdb redis.UniversalClient) wecom.TokenStore {
	return tokenstore.New(rdb, "ops", wecomtest.CorpID, wecomtest.Secret)
}

// lasting issues a token for this long, to be refreshed after a part of it.
func lasting(value string, refresh, life time.Duration) wecom.FetchToken {
	return func(context.Context) (wecom.AccessToken, error) {
		now := time.Now()
		return wecom.AccessToken{Value: wecom.Secret(value), RefreshAt: now.Add(refresh), ExpiresAt: now.Add(life)}, nil
	}
}

func TestGettokenIsCountedByItsReason(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	tests := map[string]struct {
		fetches []wecom.FetchToken
		pause   time.Duration // between them
		want    map[string]float64
	}{
		"the first one": {[]wecom.FetchToken{lasting("a", time.Hour, time.Hour)}, 0, map[string]float64{"first": 1}},
		"a token that is there is no call": {
			[]wecom.FetchToken{lasting("a", time.Hour, time.Hour), lasting("b", time.Hour, time.Hour)},
			0,
			map[string]float64{"first": 1},
		},
		"one before the end of the old": {
			[]wecom.FetchToken{lasting("a", 0, time.Minute), lasting("b", time.Hour, time.Hour)},
			0,
			map[string]float64{"first": 1, "early": 1},
		},
		"one after the end of the old": {
			[]wecom.FetchToken{lasting("a", time.Millisecond, 20*time.Millisecond), lasting("b", time.Hour, time.Hour)},
			40 * time.Millisecond,
			map[string]float64{"first": 1, "expired": 1},
		},
		"one that failed": {
			[]wecom.FetchToken{
				func(context.Context) (wecom.AccessToken, error) { return wecom.AccessToken{}, down },
				lasting("a", time.Hour, time.Hour),
			},
			0,
			map[string]float64{"failed": 1, "first": 1},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := New(Config{})
			store := m.CountTokens("ops", sharedToken(redistest.New(t)))
			for _, fetch := range tt.fetches {
				if _, err := store.Token(t.Context(), fetch); err != nil && !errors.Is(err, down) {
					t.Fatal(err)
				}
				<-time.After(tt.pause)
			}
			if diff := cmp.Diff(tt.want, refreshes(m)); diff != "" {
				t.Errorf("calls of gettoken (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATokenThatWeComRefusesIsCounted(t *testing.T) {
	t.Parallel()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	m, rdb := New(Config{}), redistest.New(t)
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL, TokenStore: m.CountTokens("ops", sharedToken(rdb)),
	})
	if err != nil {
		t.Fatal(err)
	}
	request := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "zhangsan"}, Text: message.TextField{Content: "hello"},
	}
	messages := message.NewClient(client, "1000002")
	for range 2 {
		if _, err := messages.SendTextContext(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		sim.ExpireTokens()
	}
	if diff := cmp.Diff(map[string]float64{"first": 1, "refused": 1}, refreshes(m)); diff != "" {
		t.Errorf("calls of gettoken (-want +got):\n%s", diff)
	}
}
