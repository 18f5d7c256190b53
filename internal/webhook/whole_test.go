package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// sendToken may send.
const sendToken = "send-token-0123456789abcdef"

// whole is a complete wecomq in one process, and a simulated WeCom.
type whole struct {
	*daemontest.Deployment

	url *url.URL // of the gateway
}

func newWhole(t *testing.T, cfg webhook.Config) whole {
	t.Helper()
	d := daemontest.New(t, daemontest.Config{
		Tokens: []config.Token{daemontest.Token(sendToken, []string{"ops"}, config.ScopeSend)},
		Change: func(c *config.Config) { c.Gateway.Webhooks = cfg },
	})
	root, _ := d.Start(daemon.Config{Gateway: true, Worker: true})
	at, err := url.Parse(root)
	if err != nil {
		t.Fatal(err)
	}
	return whole{d, at}
}

// ServeHTTP passes a request on to the gateway, with a token that may send.
func (w whole) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	proxy := httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(w.url)
		p.Out.Header.Set("Authorization", "Bearer "+sendToken)
	}}
	proxy.ServeHTTP(answer, r)
}

// texts returns the arrived texts, in order, once there are n.
func (w whole) texts(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	messages, err := w.WeCom.WaitMessages(ctx, n)
	if err != nil {
		t.Fatalf("%d messages arrived, want %d: %v", len(messages), n, err)
	}
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = m.Text
	}
	return texts
}

func TestResolvedFollowsAFiringThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWhole(t, testConfig())
	busy := wecomtest.Fault{API: "message/send", Match: &wecomtest.Match{Content: "firing a"}, ErrCode: -1, Times: 2}
	if err := w.WeCom.AddFault(busy); err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{group("a"), group("!a"), group("!a", "b"), group("a", "b"), group("c wecom_to_user=carol")} {
		if got := postTo(t, w, "alertmanager", "to_user=alice", g, nil); got.status != http.StatusAccepted {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
	}
	var got []string
	for _, text := range w.texts(t, 5) {
		if text != "firing c" { // the address named alice, so it is of the same group
			got = append(got, text)
		}
	}
	want := []string{"firing a", "resolved a", "firing b a", "firing a b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}

// So many deliveries run in parallel, except those of one alert.
func TestAnArraysAlertsEndAfterTheyBegin(t *testing.T) {
	t.Parallel()
	cfg := sourceConfig(t)
	backups := cfg.Sources["backup"]
	backups.Labels = map[string]string{"wecom_to_user": "{{.job}}"}
	cfg.Sources["backup"] = backups
	w := newWhole(t, cfg)
	const jobs = 20
	var events []string
	want := map[string][]string{}
	for i := range jobs {
		job := fmt.Sprint("job", i)
		events = append(events, backup(job, false), backup(job, true))
		want[job] = []string{"firing", "resolved"}
	}
	if a := postTo(t, w, "backup", "", "["+strings.Join(events, ",")+"]", nil); a.status != http.StatusAccepted {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	got := map[string][]string{}
	for _, text := range w.texts(t, 2*jobs) {
		said, job, _ := strings.Cut(text, " ")
		got[job] = append(got[job], said)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}
