package daemon_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

// browser acts by the pages.
type browser struct {
	*testing.T
	http.Client
	url string
}

func (b *browser) post(path string, form url.Values) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.do(request)
}

func (b *browser) do(request *http.Request) {
	b.Helper()
	response, err := b.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	_ = response.Body.Close()
}

func TestNobodyActsUnseen(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{daemontest.Token("boss", []string{"ops"}, config.ScopeAdmin, config.ScopeRead, config.ScopeSend)}})
	hangup, next := make(chan os.Signal), *d.Config
	next.Gateway.Tokens = append(slices.Clone(d.Config.Gateway.Tokens), daemontest.Token("new", []string{"ops"}, config.ScopeSend))
	address, _ := d.Start(daemon.Config{Gateway: true, Hangup: hangup, Load: func() (*config.Config, error) { return &next, nil }})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t, http.Client{Jar: jar}, address}
	b.post("/login", url.Values{"token": {"wrong"}})
	b.post("/login", url.Values{"token": {"boss"}})
	b.post("/apps/ops/pause", nil)
	b.post("/apps/ops/resume", nil)
	b.post("/dashboard/api/queues/ops:bulk:pause", nil)
	b.post("/dashboard/api/queues/ops:bulk:resume", nil)
	id := "ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E"
	cancel, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, address+"/v1/messages/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	cancel.Header.Set("Authorization", "Bearer boss")
	b.do(cancel)
	hangup <- syscall.SIGHUP
	awaitLog(t, d, `"config reloaded"`, 1)
	awaitLog(t, d, `"action":"reload"`, 1)

	acts, err := d.Activity().Newest(t.Context(), activity.Query{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	host, _ := os.Hostname()
	var got []string
	for _, act := range slices.Backward(acts) {
		failed := ""
		if act.Error != "" {
			failed = "failed"
		}
		got = append(got, strings.Join([]string{act.Actor, act.Via, act.From, string(act.Action), act.App, act.Target, failed}, " "))
	}
	want := []string{
		" gateway 127.0.0.1 login   failed",
		"boss gateway 127.0.0.1 login   ",
		"boss gateway 127.0.0.1 app.pause ops  ",
		"boss gateway 127.0.0.1 app.resume ops  ",
		"boss gateway 127.0.0.1 dashboard  POST /queues/ops:bulk:pause ",
		"boss gateway 127.0.0.1 dashboard  POST /queues/ops:bulk:resume ",
		"boss gateway 127.0.0.1 message.cancel ops " + id + " failed",
		host + " signal  tokens.change  +new ",
		host + " signal  reload   ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	view, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/activity?lang=en", nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := b.Do(view)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Body.Close() }()
	body, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK || strings.Count(string(body), "<b>app.pause</b>") != 1 {
		t.Errorf("HTTP %d, %v:\n%s", page.StatusCode, err, body)
	}
}

func TestAStrangerCannotFillTheTrail(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	address, _ := d.Start(daemon.Config{Gateway: true})
	b := &browser{T: t, url: address}
	for range 60 {
		b.post("/login", url.Values{"token": {"wrong"}})
	}
	acts, err := d.Activity().Newest(t.Context(), activity.Query{Action: activity.Login}, 100)
	if err != nil || len(acts) < 30 || len(acts) > 45 { // one a minute comes on top
		t.Errorf("%d failed logins are in the trail, %v; want 30 of 60 or a few more", len(acts), err)
	}
}

func TestATokenThatMayDoNothingCannotFillTheTrailEither(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{Tokens: []config.Token{daemontest.Token("reader", []string{"ops"}, config.ScopeRead)}})
	address, _ := d.Start(daemon.Config{Gateway: true})
	b := &browser{T: t, url: address}
	for i := range 60 {
		app := "ops"
		if i%2 == 0 {
			app = strings.Repeat("a", 30_000)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/apps/"+app+"/pause", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer reader")
		b.do(request)
	}
	acts, err := d.Activity().Newest(t.Context(), activity.Query{Action: activity.PauseApp}, 100)
	if err != nil || len(acts) < 30 || len(acts) > 45 {
		t.Errorf("%d refused acts are in the trail, %v; want 30 of 60 or a few more", len(acts), err)
	}
	for _, act := range acts {
		if size := len(act.App) + len(act.Target) + len(act.Error); size > 1000 {
			t.Fatalf("an act takes %d bytes", size)
		}
	}
}
