package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// The tokens of a flood, and of the alert that meets it.
const (
	flooder = "flooder-token-0123456789abcdef"
	alerter = "alerter-token-0123456789abcdef"
)

// flooded is a deployment with both.
func flooded(t *testing.T, concurrency int) *daemontest.Deployment {
	t.Helper()
	return daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{
			daemontest.Token(flooder, []string{"ops"}, config.ScopeSend),
			daemontest.Token(alerter, []string{"ops"}, config.ScopeSend, config.ScopeRead),
		},
		Change: func(cfg *config.Config) {
			cfg.Apps["ops"].Concurrency = concurrency
			cfg.Apps["ops"].Limits.CallsPerMinute = 300
		},
	})
}

// as makes a request with a token, and reads the answer.
func as(t *testing.T, secret, method, url, body string) (status int, answer []byte) {
	t.Helper()
	got := exchange(t, request(t, method, url, secret, body))
	return got.status, []byte(got.body)
}

// flood enqueues so many critical messages, each to somebody else.
func flood(t *testing.T, url string, lines int) {
	t.Helper()
	floodWith(t, url, lines, `"priority":"critical"`, "queued")
}

// floodWith sends the rest again where Redis was too slow for a batch.
func floodWith(t *testing.T, url string, lines int, options, state string) {
	t.Helper()
	for sent := 0; sent < lines; {
		var body strings.Builder
		for i := sent; i < lines; i++ {
			fmt.Fprintf(&body, `{%s,"touser":"u%d","msgtype":"text","text":{"content":"flood %06d"}}`+"\n", options, i, i)
		}
		status, answer := as(t, flooder, http.MethodPost, url+"/v1/messages:batch", body.String())
		queued := bytes.Count(answer, []byte(`"state":"`+state+`"`))
		if status != http.StatusOK || queued == 0 {
			t.Fatalf("HTTP %d, %d of %d lines are %s", status, queued, lines-sent, state)
		}
		sent += queued
	}
}

// alarm enqueues a critical message of the other token, and gives its id.
func alarm(t *testing.T, url, text string) string {
	t.Helper()
	status, answer := as(t, alerter, http.MethodPost, url+"/v1/messages", `{"priority":"critical","touser":"duty","msgtype":"text","text":{"content":"`+text+`"}}`)
	receipt := struct{ ID, State string }{}
	if err := json.Unmarshal(answer, &receipt); err != nil || status != http.StatusAccepted || receipt.State != "queued" {
		t.Fatalf("HTTP %d %s", status, answer)
	}
	return receipt.ID
}

// alarms sends alerts, and has each overtake the flood.
func alarms(t *testing.T, d *daemontest.Deployment, url string, concurrency int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range 3 {
		text := fmt.Sprint("alert ", i)
		alarm(t, url, text)
		before := len(d.WeCom.Messages())
		var place int
		for n := before + 1; ; n++ {
			arrived, err := d.WeCom.WaitMessages(ctx, n)
			if err != nil {
				t.Fatalf("%q has not arrived: %v", text, err)
			}
			if place = slices.IndexFunc(arrived, func(m wecomtest.Message) bool { return m.Text == text }); place >= 0 {
				break
			}
		}
		// Each handler has one of the flood in hand; the alert overtakes most of those, too.
		if passed := place - before; passed > concurrency/2 {
			t.Errorf("%d calls of the flood went before %q", passed, text)
		}
	}
}

func TestAnAlertDoesNotWaitForTheFloodOfAnotherToken(t *testing.T) {
	t.Parallel()
	const concurrency, lines = 16, 2000
	d := flooded(t, concurrency)
	url, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
	flood(t, url, lines)
	alarms(t, d, url, concurrency)
	floods := slices.DeleteFunc(d.WeCom.Messages(), func(m wecomtest.Message) bool { return !strings.HasPrefix(m.Text, "flood") })
	for i, m := range floods { // as many as there are handlers may be under way at once
		if latest := fmt.Sprintf("flood %06d", i+concurrency); m.Text > latest {
			t.Errorf("of the flood, message %d to arrive is %q", i, m.Text)
		}
	}
}

func TestAnAlertDoesNotWaitForTheFloodOfOneMoment(t *testing.T) {
	t.Parallel()
	const concurrency, lines = 16, 2000
	d := flooded(t, concurrency)
	url, _ := d.Start(daemon.Config{Gateway: true})
	now := d.Redis.Time(t.Context()).Val()
	floodWith(t, url, lines, `"priority":"critical","process_at":"`+now.Add(time.Hour).Format(time.RFC3339Nano)+`"`, "scheduled")
	const scheduled = "asynq:{ops:critical}:scheduled"
	for _, id := range d.Redis.ZRange(t.Context(), scheduled, 0, -1).Val() { // the moment has come
		d.Redis.ZAdd(t.Context(), scheduled, redis.Z{Score: float64(now.Unix()), Member: id})
	}
	d.Start(daemon.Config{Worker: true})
	if _, err := d.WeCom.WaitMessages(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	alarms(t, d, url, concurrency)
}

func TestAMessageThatGoesAheadIsLikeAnyOther(t *testing.T) {
	t.Parallel()
	d := flooded(t, 4)
	url, _ := d.Start(daemon.Config{Gateway: true})
	flood(t, url, 100)
	id := alarm(t, url, "alert")
	var record tasks.Record
	if _, answer := as(t, alerter, http.MethodGet, url+"/v1/messages/"+id, ""); json.Unmarshal(answer, &record) != nil || record.State != tasks.Queued || record.Actor != alerter {
		t.Errorf("its record is %s", answer)
	}
	status, err := d.Inspector().Status(t.Context(), "ops")
	if err != nil || status.Backlog.Critical != 101 {
		t.Errorf("the backlog is %+v, %v", status.Backlog, err)
	}
	queues := status.Queues
	if i := slices.IndexFunc(queues, func(q apps.Queue) bool { return q.Priority == tasks.Critical }); queues[i].Waiting != 101 || queues[i].Scheduled != 0 {
		t.Errorf("the queue is %+v", queues)
	}
	if _, answer := as(t, alerter, http.MethodDelete, url+"/v1/messages/"+id, ""); json.Unmarshal(answer, &record) != nil || record.State != tasks.Cancelled {
		t.Errorf("cancelled it is %s", answer)
	}
}

// hook posts a webhook about critical alerts, each for somebody else, and gives the id of the
// first message.
func hook(t *testing.T, secret, url, name string, alerts int) string {
	t.Helper()
	list := make([]string, alerts)
	for i := range list {
		list[i] = fmt.Sprintf(`{"status":"firing","labels":{"alertname":"%[1]s%[2]d","wecom_to_user":"%[1]s%[2]d"},"annotations":{},"startsAt":"2026-11-22T07:58:13Z"}`, name, i)
	}
	body := `{"version":"4","receiver":"r","externalURL":"http://am","status":"firing","groupKey":"` + name + `","alerts":[` + strings.Join(list, ",") + `]}`
	status, answer := as(t, secret, http.MethodPost, url+"/v1/webhooks/alertmanager/ops?priority=critical", body)
	accepted := struct{ Messages []struct{ ID string } }{}
	if err := json.Unmarshal(answer, &accepted); err != nil || status != http.StatusAccepted || len(accepted.Messages) != alerts {
		t.Fatalf("HTTP %d %s", status, answer)
	}
	return accepted.Messages[0].ID
}

func TestAWebhookDoesNotWaitForTheFloodOfAnotherToken(t *testing.T) {
	t.Parallel()
	const alerts = 60
	d := flooded(t, 1)
	url, _ := d.Start(daemon.Config{Gateway: true})
	hook(t, flooder, url, "flood", alerts)
	id := hook(t, alerter, url, "duty", 1)
	var record tasks.Record
	if _, answer := as(t, alerter, http.MethodGet, url+"/v1/messages/"+id, ""); json.Unmarshal(answer, &record) != nil || record.Actor != "webhook/"+alerter {
		t.Errorf("its record is %s", answer)
	}
	d.Start(daemon.Config{Worker: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arrived, err := d.WeCom.WaitMessages(ctx, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(arrived, func(m wecomtest.Message) bool { return strings.Contains(m.Body, "duty0") }) {
		t.Errorf("the other token's alert is not among the first %d to arrive", len(arrived))
	}
}
