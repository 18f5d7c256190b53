package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// rule changes members of the simulator's rules.
func (l *landscape) rule(changes string) {
	l.Helper()
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", changes)
}

// fault makes the simulator fail.
func (l *landscape) fault(faults string) {
	l.Helper()
	ask[[]wecomtest.FaultStatus](l, http.MethodPost, "/admin/faults", faults)
}

// awaitArrivals waits until n messages have arrived.
func (l *landscape) awaitArrivals(n int) []wecomtest.Message {
	l.Helper()
	waittest.Until(l.T, fmt.Sprintf("%d messages arrive", n), func() bool { return len(l.messages()) >= n })
	return l.messages()
}

// appState is the state of one app that `wecomq app ls` prints.
func (l *landscape) appState(app string) apps.Status {
	l.Helper()
	all := decodeLines[apps.Status](l.T, l.run("", "app", "ls", "-o", "json"))
	i := slices.IndexFunc(all, func(s apps.Status) bool { return s.App == app })
	if i < 0 {
		l.Fatalf("app ls does not list %s: %+v", app, all)
	}
	return all[i]
}

// bodies returns the different bodies of messages.
func bodies(messages []wecomtest.Message) map[string]bool {
	different := map[string]bool{}
	for _, m := range messages {
		different[m.Body] = true
	}
	return different
}

func TestTroubleCostsNoMessageAndDoublesNone(t *testing.T) {
	t.Parallel()
	const n = 300
	l := newLandscape(t)
	l.rule(`{"token_uses": 60, "concurrency": 3, "latency": "30ms", "jitter": "10ms"}`)
	l.fault(`{"api": "message/send", "errcode": -1, "every": 29}`)
	ids := l.sendTexts(n)
	for range 3 {
		l.work()
	}

	l.awaitArrivals(n)
	l.awaitState(ids, tasks.Accepted)
	if arrived := l.messages(); len(arrived) != n || len(bodies(arrived)) != n {
		t.Errorf("%d messages arrived, %d of them different, want each of %d once", len(arrived), len(bodies(arrived)), n)
	}
	stats := l.stats()
	sends, tokens := stats.APIs["message/send"].Codes, stats.APIs["gettoken"].Codes
	if sends[wecom.Code(-1)] == 0 || sends[wecom.Code(45033)] == 0 || sends[wecom.Code(42001)] == 0 {
		t.Errorf("answers %v, want -1, 45033 and 42001 among them", sends)
	}
	if stats.TokensIssued < n/60 || tokens[wecom.Code(0)] != stats.TokensIssued || len(tokens) != 1 {
		t.Errorf("gettoken answered %v for %d tokens, want one call for each death", tokens, stats.TokensIssued)
	}
	if s := l.appState("default"); s.State != "running" || s.Concurrency >= 1 || s.Rate.Effective != s.Rate.Configured {
		t.Errorf("app ls says %+v, want it running with fewer calls in flight", s)
	}
}

func TestAFloodToOneMemberWaitsAndLetsOthersPass(t *testing.T) {
	t.Parallel()
	const flood, room, others = 40, 27, 20
	l := newLandscape(t)
	var batch strings.Builder
	for i := range flood {
		fmt.Fprintf(&batch, `{"touser":"busy","msgtype":"text","text":{"content":"flood %d"}}`+"\n", i)
	}
	ids := l.ids(l.run(batch.String(), "send", "--batch", "-f", "-"))
	passing := l.sendTexts(others)
	l.work()
	l.work()

	for _, r := range l.awaitState(passing, tasks.Accepted) {
		if r.TurnAt != (time.Time{}) {
			t.Errorf("%+v, want a message to another member not to wait", r)
		}
	}
	records := l.awaitRecords("the flood is sent or held", ids, func(records []tasks.Record) bool {
		return len(inState(records, tasks.Accepted))+len(inState(records, tasks.Held)) == flood
	})
	held := slices.DeleteFunc(records, func(r tasks.Record) bool { return r.State != tasks.Held })
	if len(held) != flood-room {
		t.Errorf("%d messages are held, want those over %d", len(held), room)
	}
	var last time.Time // of those that were sent
	for _, m := range l.messages() {
		if m.At.After(last) {
			last = m.At
		}
	}
	for _, r := range held {
		if r.TurnAt.Before(r.EnqueuedAt.Add(55*time.Second)) || r.TurnAt.After(last.Add(65*time.Second)) || r.Attempts != 0 {
			t.Errorf("%+v, want its turn to be in a minute, at no cost", r)
		}
	}
	if s := l.stats(); s.Dropped != 0 || s.Delivered != room+others {
		t.Errorf("%d delivered and %d dropped, want %d and none", s.Delivered, s.Dropped, room+others)
	}
}

func TestWrongSecretIsTriedOncePerStepOfTheBackOff(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.env["WECOM_SECRET"] = "not-the-secret"
	for range 3 {
		l.work()
	}
	for step := range 2 {
		began := time.Now()
		l.sendTexts(30)
		waittest.Until(t, "gettoken refuses", func() bool { return l.stats().APIs["gettoken"].Codes[wecom.Code(40001)] > int64(step) })
		end := began.Add(30 * time.Second << step)
		l.awaitBlock(end)
		s := l.appState("default")
		if s.State != "suspended" || s.Until.Before(end) || !strings.Contains(s.Reason, "40001") || !strings.Contains(s.Reason, "Copy the secret again") {
			t.Errorf("app ls says %+v, want it suspended with what to do", s)
		}
		if n := l.stats().APIs["gettoken"].Codes[wecom.Code(40001)]; n != int64(step)+1 {
			t.Errorf("gettoken was called %d times, want once in each of %d steps", n, step+1)
		}
		l.endBackOff()
	}
	if text := l.run("", "app", "ls"); !strings.Contains(text, "suspended") || !strings.Contains(text, "40001") {
		t.Errorf("app ls says\n%s\nwant the suspension and its reason", text)
	}
}

// awaitBlock waits until the app is blocked until then.
func (l *landscape) awaitBlock(until time.Time) {
	l.Helper()
	waittest.Until(l.T, "the app is suspended", func() bool {
		blocked, _ := l.rdb.HGet(l.Context(), keys.Pace("default"), "block_until").Float64() // milliseconds
		return blocked >= float64(until.UnixMilli())
	})
}

// endBackOff simulates the time for which gettoken and the app are held.
func (l *landscape) endBackOff() {
	l.Helper()
	ctx := l.Context()
	failures := redistest.Keys(l.T, l.rdb, keys.TokenFailure("default", "*"))
	if len(failures) != 1 {
		l.Fatalf("failures of gettoken: %v; want those of one secret", failures)
	}
	_, err := l.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, failures[0], "until", 1)
		p.HSet(ctx, keys.Pace("default"), "block_until", 1)
		for _, priority := range tasks.Priorities() {
			p.Del(ctx, "asynq:{"+tasks.Queue("default", priority)+"}:paused")
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
}

// limitCalls writes the landscape's config: apps ops at this rate and hr. ops calls the WeCom at opsURL.
func (l *landscape) limitCalls(opsURL string, callsPerMinute int) {
	l.Helper()
	app := func(agent int, secret, url string, limits map[string]any) map[string]any {
		return map[string]any{
			"corp_id": wecomtest.CorpID, "agent_id": strconv.Itoa(agent), "secret": secret,
			"api_base_url": url, "limits": limits, "timeout": "60s",
		}
	}
	text, err := json.Marshal(map[string]any{
		"redis": map[string]any{"url": l.redis.URL},
		"apps": map[string]any{
			"ops": app(wecomtest.AgentID, wecomtest.Secret, opsURL, map[string]any{"calls_per_minute": callsPerMinute}),
			"hr":  app(1000003, "secret-of-hr", l.url, map[string]any{}),
		},
	})
	if err != nil {
		l.Fatal(err)
	}
	file := l.env["WECOMQ_CONFIG"] // of an earlier call
	if file == "" {
		file = filepath.Join(l.TempDir(), "wecomq.yaml")
	}
	l.write(file, string(text))
	l.env = map[string]string{"WECOMQ_CONFIG": file}
}

func TestPauseStopsAnAppAndResumeLetsAllGo(t *testing.T) {
	t.Parallel()
	const n = 60
	l := newLandscape(t)
	l.limitCalls(l.url, 60) // one a second: the backlog lasts longer than the commands below
	ids := l.sendTexts(n, "--app", "ops")
	workers := []*process{l.work(), l.work()}
	l.awaitArrivals(2)
	if s := decodeLines[apps.Status](t, l.run("", "app", "pause", "ops", "-o", "json")); s[0].App != "ops" || s[0].State != "paused" {
		t.Errorf("app pause says %+v, want ops paused", s)
	}

	// The messages of the other app show that time has passed.
	l.run("", "send", "--app", "hr", "--to-user", "a", "--text", "first", "--wait")
	before := len(l.messages())
	for i := range 5 {
		l.run("", "send", "--app", "hr", "--to-user", "a", "--text", fmt.Sprint("again ", i), "--wait")
	}
	if got := len(l.messages()) - before; got != 5 || before >= n {
		t.Errorf("%d messages arrived while ops was paused, want the 5 of the other app", got)
	}
	if s := l.appState("ops"); s.State != "paused" || s.Backlog.Default < n-before-2*concurrency { // the workers have taken as many as they can
		t.Errorf("app ls says %+v, want ops paused with a backlog", s)
	}
	if s := l.appState("hr"); s.State != "running" {
		t.Errorf("app ls says %+v, want hr running", s)
	}

	l.limitCalls(l.url, 10_000) // the rest need not take a minute
	for _, worker := range workers {
		worker.signal(syscall.SIGHUP)
		worker.awaitLine("config reloaded")
	}
	l.run("", "app", "resume", "ops")
	l.awaitState(ids, tasks.Accepted)
	if arrived := l.messages(); len(arrived) != n+6 {
		t.Errorf("%d messages arrived, want each of %d once", len(arrived), n+6)
	}
}

func TestAWeComThatHangsHoldsUpNoOtherApp(t *testing.T) {
	t.Parallel()
	const n = 100
	healthy, sick := newLandscape(t), newLandscape(t)
	sick.fault(`{"api": "message/send", "delay": "1h"}`)
	healthy.limitCalls(sick.url, 10_000)
	healthy.work()
	healthy.sendTexts(3*concurrency, "--app", "ops")
	sick.awaitCalls(concurrency)

	ids := healthy.sendTexts(n, "--app", "hr")
	healthy.awaitState(ids, tasks.Accepted)
	if arrived := healthy.awaitArrivals(n); len(arrived) != n || len(sick.messages()) != 0 {
		t.Errorf("%d messages arrived and %d where it hangs, want %d and none", len(arrived), len(sick.messages()), n)
	}
	if fired := ask[[]wecomtest.FaultStatus](sick, http.MethodGet, "/admin/faults", "")[0].Fired; fired != concurrency {
		t.Errorf("%d calls were made where it hangs, want the first %d to be under way still", fired, concurrency)
	}
}
