package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// inputSeries are a deployment's metrics about its apps in promtool's format, constant for an hour.
func inputSeries(t *testing.T, d *daemontest.Deployment) []map[string]string {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(apps.NewCollector(d.Inspector()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var series []map[string]string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, label := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
			}
			series = append(series, map[string]string{
				"series": family.GetName() + "{" + strings.Join(labels, ",") + "}",
				"values": strconv.FormatFloat(m.GetGauge().GetValue(), 'f', -1, 64) + "x60",
			})
		}
	}
	return series
}

// fires evaluates our rules with a deployment's metrics in Prometheus: of these alerts the wanted ones, with
// their labels, fire half an hour later, and no others.
func fires(t *testing.T, d *daemontest.Deployment, alerts string, want ...string) {
	t.Helper()
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var samples []any
	for _, labels := range want {
		samples = append(samples, map[string]any{"labels": `ALERTS{alertstate="firing",` + labels + "}", "value": 1})
	}
	file, err := json.Marshal(map[string]any{ // JSON is YAML
		"rule_files": []string{rules}, "evaluation_interval": "1m",
		"tests": []any{map[string]any{
			"interval": "1m", "input_series": inputSeries(t, d),
			"promql_expr_test": []any{map[string]any{
				"expr": `ALERTS{alertname=~"` + alerts + `",alertstate="firing"}`, "eval_time": "30m", "exp_samples": samples,
			}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "situation.test.yml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "test", "rules", path)
}

// Default messages have used up their part of the quota, and critical ones are still sent: messages wait for
// midnight, and an alert fires.
func TestSomebodyIsToldThatAQuotaIsUsedUp(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Change: func(c *config.Config) { c.Apps["ops"].Limits.Seats = 1 }})
	d.Start(daemon.Config{Worker: true})
	const alerts = "WecomqQuotaUsedUp"
	fires(t, d, alerts)
	users := make([]string, 190) // 5 % of 200 are reserved for critical messages
	for i := range users {
		users[i] = "user" + strconv.Itoa(i)
	}
	d.Send("ops", daemontest.Text(strings.Join(users[:185], "|"), "x"), producer.Options{})
	d.Send("ops", daemontest.Text(strings.Join(users[180:], "|"), "y"), producer.Options{})
	if _, err := d.WeCom.WaitMessages(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	late := d.Send("ops", daemontest.Text("somebody", "z"), producer.Options{})
	await(t, d, late.ID, tasks.Held)
	urgent := d.Send("ops", daemontest.Text("somebody", "!"), producer.Options{Priority: tasks.Critical})
	await(t, d, urgent.ID, tasks.Accepted)
	fires(t, d, alerts, `alertname="WecomqQuotaUsedUp",app="ops",priority="default",severity="page"`)
	s, err := d.Inspector().Status(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	if left := *s.Quota.Left; left != (apps.Left{Critical: 9}) {
		t.Errorf("what is left is %+v", left)
	}
	if len(s.Stuck) != 1 || s.Stuck[0].By != apps.ByQuota || s.Stuck[0].Messages != 2 || s.Stuck[0].Until.Before(time.Now()) {
		t.Errorf("stuck is %+v, want two messages that wait for midnight: one whole, one in part", s.Stuck)
	}
}

// An app with a wrong setting is tried every five minutes: its messages have waited since they were enqueued,
// not since the last try.
func TestSomebodyIsToldOfABacklogThatIsTriedAgainAndAgain(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	d := daemontest.New(t, daemontest.Config{RedisURL: server.URL()})
	if err := d.WeCom.AddFault(wecomtest.Fault{API: "message/send", ErrCode: 60020}); err != nil {
		t.Fatal(err)
	}
	d.Start(daemon.Config{Worker: true})
	const alerts = "WecomqBacklog|WecomqAlertsWait"
	held := d.Send("ops", daemontest.Text("zhangsan", "x"), producer.Options{Priority: tasks.Bulk})
	await(t, d, held.ID, tasks.Held)
	fires(t, d, alerts)
	tried := func() int64 { return d.WeCom.Stats().APIs["message/send"].Codes[60020] }
	before := tried()
	clock.Set(40 * time.Minute)
	waittest.Until(t, "it is tried once more", func() bool { return tried() > before })
	await(t, d, held.ID, tasks.Held)
	fires(t, d, alerts, `alertname="WecomqBacklog",app="ops",priority="bulk",severity="warn"`)
	s, err := d.Inspector().Status(t.Context(), "ops")
	if err != nil || len(s.Stuck) != 1 || s.Stuck[0].By != "suspended" || s.Stuck[0].Messages != 1 || !strings.Contains(s.Reason, "60020") {
		t.Errorf("%+v, %v; want one message that is stuck, and why", s, err)
	}
}

// await waits until a message is in a state.
func await(t *testing.T, d *daemontest.Deployment, id string, state tasks.State) {
	t.Helper()
	waittest.Until(t, id+" is "+string(state), func() bool {
		record, err := d.FinderOf("ops").Message(t.Context(), id)
		return err == nil && record.State == state
	})
}
