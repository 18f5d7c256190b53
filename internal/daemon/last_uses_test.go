package daemon_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// visitors are tokens, one for each door.
var visitors = []string{"bearer", "password", "compatible", "browser", "idle"}

func newVisited(t *testing.T, redisURL string) *daemontest.Deployment {
	t.Helper()
	var tokens []config.Token
	for _, name := range visitors {
		tokens = append(tokens, daemontest.Token(name, []string{"ops"}, config.ScopeSend, config.ScopeRead))
	}
	return daemontest.New(t, daemontest.Config{RedisURL: redisURL, Tokens: tokens})
}

// lastUsed is when each token was used last, as operators see it.
func lastUsed(t *testing.T, d *daemontest.Deployment) map[string]time.Time {
	t.Helper()
	statuses, err := d.TokenStatuses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]time.Time{}
	for _, s := range statuses {
		if !s.LastUsed.IsZero() {
			all[s.Token] = s.LastUsed
		}
	}
	return all
}

// awaitUse waits until the last use of a token is known.
func awaitUse(t *testing.T, d *daemontest.Deployment, token string) {
	t.Helper()
	waittest.Until(t, "the use of "+token+" is known", func() bool { return !lastUsed(t, d)[token].IsZero() })
}

// accessToken calls gettoken with a token.
func accessToken(t *testing.T, gateway, token string) string {
	t.Helper()
	var access struct {
		Token string `json:"access_token"`
	}
	text := fetch(t, gateway+"/cgi-bin/gettoken?corpid="+wecomtest.CorpID+"&corpsecret="+token)
	if err := json.Unmarshal([]byte(text), &access); err != nil || access.Token == "" {
		t.Fatalf("gettoken: %s, %v", text, err)
	}
	return access.Token
}

func TestEveryDoorTellsWhenItsTokenWasUsedLast(t *testing.T) {
	t.Parallel()
	d := newVisited(t, "")
	begin := time.Now().Add(-time.Second)
	first, _ := d.Start(daemon.Config{Gateway: true})
	second, _ := d.Start(daemon.Config{Gateway: true})
	_, cookie := session(t, first, "browser")
	access := accessToken(t, first, "compatible")
	for _, token := range []string{"browser", "compatible"} { // the login, gettoken
		awaitUse(t, d, token)
		d.Redis.Del(t.Context(), keys.LastUse(token))
	}
	two := served{t, second}
	two.ask(http.MethodGet, "/", "", "Authorization", "", "Cookie", cookie, "Accept", "text/html")
	two.ask(http.MethodPost, "/cgi-bin/message/send?access_token="+access, "{}", "Authorization", "")
	two.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer bearer")
	two.ask(http.MethodPost, "/v1/webhooks/alertmanager/ops", "{}", "Authorization", "Basic eDpwYXNzd29yZA==") // x:password
	two.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer idle?")                                   // nobody's
	for _, token := range visitors[:4] {
		awaitUse(t, d, token)
	}
	for token, at := range lastUsed(t, d) {
		life := d.Redis.PTTL(t.Context(), keys.LastUse(token)).Val()
		if token == "idle" || at.Before(begin) || at.After(time.Now().Add(time.Second)) || life < 89*24*time.Hour {
			t.Errorf("%s was used last at %s, which is known for %s", token, at, life)
		}
	}
}

func TestAUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	d := newVisited(t, "")
	url, _ := d.Start(daemon.Config{Gateway: true})
	one := served{t, url}
	one.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer bearer")
	awaitUse(t, d, "bearer")
	d.Redis.Del(t.Context(), keys.LastUse("bearer"))
	for range 3 {
		one.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer bearer")
	}
	one.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer idle")
	awaitUse(t, d, "idle") // what came before it would be written
	if at := lastUsed(t, d)["bearer"]; !at.IsZero() {
		t.Errorf("it was written again within the minute, at %s", at)
	}
}

func TestAUseWhileRedisIsAwayFailsNothingAndIsWrittenLater(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	d := newVisited(t, server.URL())
	url, _ := d.Start(daemon.Config{Gateway: true})
	server.Freeze()
	accessToken(t, url, "compatible")
	server.Kill()
	server.Restart()
	one := served{t, url}
	if got := one.ask(http.MethodGet, "/v1/apps", "", "Authorization", "Bearer bearer"); got.status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", got.status, strings.TrimSpace(got.body))
	}
	awaitUse(t, d, "bearer")
	awaitUse(t, d, "compatible")
}
