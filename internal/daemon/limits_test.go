package daemon_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/tasks"
)

// limitedTo is a token with limits.
func limitedTo(limits budget.Limits) config.Token {
	own := daemontest.Token(token, []string{"ops"}, config.ScopeSend, config.ScopeRead)
	own.Limits = limits
	return own
}

// alert is a webhook about an alert of its own group.
func alert(group int) string {
	return fmt.Sprintf(`{"version":"4","receiver":"r","externalURL":"http://am","status":"firing","groupKey":"%d",
		"alerts":[{"status":"firing","labels":{"alertname":"a%d"},"annotations":{},"startsAt":"2026-11-22T07:58:13Z"}]}`, group, group)
}

func TestAllDoorsShareTheBudgetOfAToken(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{limitedTo(budget.Limits{RecipientsPerDay: 3})}})
	first, _ := d.Start(daemon.Config{Gateway: true})
	second, _ := d.Start(daemon.Config{Gateway: true})
	const message, hook = "/v1/messages", "/v1/webhooks/alertmanager/ops?to_user=lisi"
	body := `{"touser":"lisi","msgtype":"text","text":{"content":"hello"}}`
	for i, step := range []struct {
		url, body string
		want      int
	}{
		{first + message, body, http.StatusAccepted},
		{second + hook, alert(1), http.StatusAccepted},
		{first + hook, alert(1), http.StatusAccepted}, // Alertmanager's twin says it again
		{second + "/v1/broadcasts", `{"text":"x","recipients":["lisi"]}`, http.StatusAccepted},
		{second + message, body, http.StatusTooManyRequests},
		{first + hook, alert(2), http.StatusServiceUnavailable},
		{first + "/v1/broadcasts", `{"text":"y","recipients":["lisi"]}`, http.StatusTooManyRequests},
	} {
		if got := call(t, http.MethodPost, step.url, step.body); got != step.want {
			t.Errorf("step %d: HTTP %d, want %d", i, got, step.want)
		}
	}
	for url, want := range map[string][]string{
		first:  {`wecomq_token_messages_total{token="` + token + `"} 1`, `wecomq_token_refused_total{limit="recipients_per_day",token="` + token + `"} 2`},
		second: {`wecomq_token_messages_total{token="` + token + `"} 2`, `wecomq_token_refused_total{limit="recipients_per_day",token="` + token + `"} 1`},
	} {
		text := fetch(t, url+"/metrics")
		for _, line := range append(want,
			`wecomq_token_used{limit="recipients_per_day",token="`+token+`"} 3`, `wecomq_token_limit{limit="recipients_per_day",token="`+token+`"} 3`) {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("the metrics lack %s", line)
			}
		}
	}
}

func TestAPriorityThatATokenMayNotUseDoesNotLoseAnAlert(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{limitedTo(budget.Limits{Priorities: []tasks.Priority{tasks.Bulk}})}})
	url, _ := d.Start(daemon.Config{Gateway: true})
	for query, want := range map[string]int{"critical": http.StatusServiceUnavailable, "bulk": http.StatusAccepted} {
		if got := call(t, http.MethodPost, url+"/v1/webhooks/alertmanager/ops?to_user=lisi&priority="+query, alert(1)); got != want {
			t.Errorf("%s: HTTP %d, want %d", query, got, want)
		}
	}
	awaitLog(t, d, "may only use bulk", 1)
	if text := fetch(t, url+"/metrics"); !strings.Contains(text, `wecomq_token_refused_total{limit="priorities",token="`+token+`"} 1`+"\n") {
		t.Error("the metrics do not count it")
	}
}

func TestAReloadBringsOtherLimits(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{limitedTo(budget.Limits{RecipientsPerDay: 1})}})
	hangup, next := make(chan os.Signal), make(chan *config.Config, 1)
	url, _ := d.Start(daemon.Config{Gateway: true, Hangup: hangup, Load: func() (*config.Config, error) { return <-next, nil }})
	body := `{"touser":"lisi","msgtype":"text","text":{"content":"hello"}}`
	for i, step := range []struct {
		limits budget.Limits // after it
		want   int
	}{
		{budget.Limits{RecipientsPerDay: 1}, http.StatusAccepted},
		{budget.Limits{RecipientsPerDay: 2}, http.StatusTooManyRequests},
		{budget.Limits{RecipientsPerDay: 2}, http.StatusAccepted},
		{budget.Limits{}, http.StatusTooManyRequests},
		{budget.Limits{}, http.StatusAccepted},
	} {
		if got := call(t, http.MethodPost, url+"/v1/messages", body); got != step.want {
			t.Errorf("step %d: HTTP %d, want %d", i, got, step.want)
		}
		changed := *d.Config
		changed.Gateway.Tokens = []config.Token{limitedTo(step.limits)}
		next <- &changed
		hangup <- syscall.SIGHUP
		awaitLog(t, d, `"config reloaded"`, i+1)
	}
	if text := fetch(t, url+"/metrics"); strings.Contains(text, "wecomq_token_limit{") {
		t.Error("the metrics show a limit that is gone")
	}
}
