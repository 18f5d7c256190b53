package daemon_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/webhook"
)

// preset is a mapping that is built in.
func preset(t *testing.T, name string) webhook.Mapping {
	t.Helper()
	mapping, ok := webhook.Preset(name)
	if !ok {
		t.Fatalf("there is no preset %s", name)
	}
	return mapping
}

func TestAnAlertOfASourceArrivesAndSoDoesItsEnd(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(token, []string{"ops"}, config.ScopeSend)},
		Change: func(c *config.Config) {
			c.Gateway.Webhooks.Sources = map[webhook.Source]webhook.Mapping{"zabbix": preset(t, "zabbix")}
		},
	})
	url, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
	if text := fetch(t, url+"/metrics"); !strings.Contains(text, `wecomq_webhook_alerts_total{app="ops",result="refused",source="zabbix"} 0`) {
		t.Error("what an alert watches does not begin at 0")
	}
	const problem = `{"event_id":"7","event_name":"CPU is busy","event_nseverity":"5","event_value":"1","host_name":"web-1","event_date":"2026.11.28","event_time":"09:41:12"`
	for _, body := range []string{problem + "}", strings.Replace(problem, `_value":"1"`, `_value":"0"`, 1) + `,"event_recovery_date":"2026.11.28","event_recovery_time":"09:58:12"}`} {
		if status := call(t, http.MethodPost, url+"/v1/webhooks/zabbix/ops?to_user=lisi&type=text", body); status != http.StatusAccepted {
			t.Fatalf("HTTP %d", status)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arrived, err := d.WeCom.WaitMessages(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"【告警】CPU is busy 触发 1\n\n● [critical] web-1\n开始: 2026-11-28 09:41:12 +08:00", "【恢复】CPU is busy 恢复 1\n\n✓ [critical] web-1\n开始: 2026-11-28 09:41:12 +08:00\n结束: 2026-11-28 09:58:12 +08:00 (持续 17m0s)"} {
		if !strings.HasPrefix(arrived[i].Text, want) {
			t.Errorf("message %d is %q, want %q", i+1, arrived[i].Text, want)
		}
	}
}

func TestAReloadBringsOtherSources(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	hangup, next := make(chan os.Signal), make(chan *config.Config, 1)
	url, _ := d.Start(daemon.Config{Gateway: true, Hangup: hangup, Load: func() (*config.Config, error) { return <-next, nil }})
	hook := url + "/v1/webhooks/nightly/ops?to_user=lisi"
	if status := call(t, http.MethodPost, hook, `{"job":"db"}`); status != http.StatusNotFound {
		t.Errorf("a source that is not there: HTTP %d", status)
	}
	changed := *d.Config
	changed.Gateway.Webhooks.Sources = map[webhook.Source]webhook.Mapping{"nightly": {Template: "{{.job}}"}}
	next <- &changed
	hangup <- syscall.SIGHUP
	awaitLog(t, d, `"config reloaded"`, 1)
	if status := call(t, http.MethodPost, hook, `{"job":"db"}`); status != http.StatusAccepted {
		t.Errorf("after the reload: HTTP %d", status)
	}
}
