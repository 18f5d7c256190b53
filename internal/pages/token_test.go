package pages_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

func TestTheOverviewShowsTheLimitsOfTokens(t *testing.T) {
	t.Parallel()
	ops, hr := []string{"ops"}, []string{"hr"}
	token := func(limit int, secret string, apps []string, scopes ...config.Scope) config.Token {
		own := daemontest.Token(secret, apps, scopes...)
		own.Limits.RecipientsPerDay = limit
		return own
	}
	b := &bundle{T: t}
	b.Deployment = daemontest.New(t, daemontest.Config{Apps: []string{"hr", "ops"}, Tokens: []config.Token{
		token(0, admin, ops, config.ScopeRead, config.ScopeAdmin),
		token(1000, reader, ops, config.ScopeRead),
		token(2000, writer, ops, config.ScopeRead, config.ScopeSend),
		token(3000, sender, hr, config.ScopeSend),
	}})
	b.url, _ = b.Start(daemon.Config{Gateway: true})
	if _, refused := budget.New(b.Redis, writer, budget.Limits{RecipientsPerDay: 2000}).Take(t.Context(), []int{70}); refused[0] != nil {
		t.Fatal(refused[0])
	}
	for who, texts := range map[string][]string{
		admin:  {"0 of 1000", "70 of 2000", "recipients today", "not 3000"},
		writer: {"70 of 2000", "not of 1000", "not of 3000"},
		reader: {"0 of 1000", "not of 2000"},
	} {
		w := b.open(who)
		w.want(w.get("/?lang=en"), http.StatusOK, texts...)
	}
	if page := b.open(admin).get("/?lang=zh").body; !strings.Contains(page, "令牌限额") || !strings.Contains(page, "今日人次") {
		t.Error("the page has no Chinese words for limits")
	}
}

func TestABroadcastOverTheLimitsOfTheTokenIsRefusedOnItsPage(t *testing.T) {
	t.Parallel()
	limited := daemontest.Token(writer, []string{"ops"}, config.ScopeRead, config.ScopeSend)
	limited.Limits.RecipientsPerDay = 3
	b := &bundle{T: t}
	b.Deployment = daemontest.New(t, daemontest.Config{Tokens: []config.Token{limited}})
	b.url, _ = b.Start(daemon.Config{Gateway: true})
	w := b.open(writer)
	for _, step := range []struct {
		key, list string
		status    int
		text      string
	}{
		{key: "first", list: "a\nb", status: http.StatusSeeOther},
		{key: "second", list: "a\nb", status: http.StatusConflict, text: "1 left, and this needs 2"},
	} {
		start := startForm.FindStringSubmatch(w.submit(false, step.list, "key", step.key, "app", "ops", "type", "text", "content", step.key).body)
		a := w.post(start[1]+"/start", "digest", start[2])
		if a.status != step.status || !strings.Contains(a.body, step.text) {
			t.Errorf("%s: HTTP %d %s", step.key, a.status, a.body)
		}
	}
}
