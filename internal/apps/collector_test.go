package apps_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// seated are limits with a day quota: 2 × 200 recipients.
func seated() tasks.Limits {
	limits := tasks.DefaultLimits()
	limits.Seats = 2
	return limits
}

func collector(rdb redis.UniversalClient) *apps.Collector {
	inspector := apps.New(rdb)
	inspector.Add(apps.App{Name: "ops", Limits: seated()})
	inspector.Add(apps.App{Name: "hr", Limits: tasks.DefaultLimits()})
	return apps.NewCollector(inspector)
}

func TestCollectorTellsStateAndQuotaOfEveryApp(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	ops := pacing.New(rdb, pacing.Config{App: "ops", Limits: seated(), RecordTTL: time.Hour})
	_, err := ops.Admit(t.Context(), tasks.AdmissionRequest{
		Payload: tasks.Payload{ID: "ops-1", App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now()},
		Users:   []string{"zhangsan", "lisi", "wangwu"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ops.Report(t.Context(), tasks.Finding{Kind: tasks.RateLimited, Reason: "45009"}); err != nil {
		t.Fatal(err)
	}
	want := `
# HELP wecomq_priority_quota_remaining Recipients that messages of a priority may still reach in this day of China; only where seats are configured.
# TYPE wecomq_priority_quota_remaining gauge
wecomq_priority_quota_remaining{app="ops",priority="bulk"} 377
wecomq_priority_quota_remaining{app="ops",priority="critical"} 397
wecomq_priority_quota_remaining{app="ops",priority="default"} 377
# HELP wecomq_app_state 1 for the state that an app is in, 0 for the others.
# TYPE wecomq_app_state gauge
wecomq_app_state{app="hr",state="paused"} 0
wecomq_app_state{app="hr",state="penalty"} 0
wecomq_app_state{app="hr",state="running"} 1
wecomq_app_state{app="hr",state="suspended"} 0
wecomq_app_state{app="hr",state="unavailable"} 0
wecomq_app_state{app="ops",state="paused"} 0
wecomq_app_state{app="ops",state="penalty"} 1
wecomq_app_state{app="ops",state="running"} 0
wecomq_app_state{app="ops",state="suspended"} 0
wecomq_app_state{app="ops",state="unavailable"} 0
# HELP wecomq_quota_remaining Recipients that an app may still reach in this day of China; only where seats are configured.
# TYPE wecomq_quota_remaining gauge
wecomq_quota_remaining{app="ops",window="day"} 397
`
	if err := testutil.CollectAndCompare(collector(rdb), strings.NewReader(want), "wecomq_app_state", "wecomq_quota_remaining", "wecomq_priority_quota_remaining"); err != nil {
		t.Error(err)
	}
}

func TestEveryStateHasItsOwnSeries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(*testing.T, *pacing.Pacer) error
		want string
	}{
		"an app that nothing stops":   {func(*testing.T, *pacing.Pacer) error { return nil }, "running"},
		"one that somebody paused":    {func(t *testing.T, p *pacing.Pacer) error { return p.Pause(t.Context()) }, "paused"},
		"one that WeCom has blocked":  {report(tasks.RateLimited), "penalty"},
		"one with a wrong setting":    {report(tasks.Misconfigured), "suspended"},
		"one that WeCom leaves alone": {report(tasks.Unreachable), "unavailable"},
		"one that was resumed by now": {resumed, "running"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			if err := tt.do(t, pacing.New(rdb, pacing.Config{App: "ops"})); err != nil {
				t.Fatal(err)
			}
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(collector(rdb))
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range familyOf(families, "wecomq_app_state") {
				app, state := m.GetLabel()[0].GetValue(), m.GetLabel()[1].GetValue()
				if is := m.GetGauge().GetValue() == 1; app == "ops" && is != (state == tt.want) {
					t.Errorf("state %s is %v, want only %s", state, is, tt.want)
				}
			}
		})
	}
}

// familyOf are the metrics of a name.
func familyOf(families []*dto.MetricFamily, name string) []*dto.Metric {
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()
		}
	}
	return nil
}

func report(kind tasks.FindingKind) func(*testing.T, *pacing.Pacer) error {
	return func(t *testing.T, p *pacing.Pacer) error {
		t.Helper()
		_, err := p.Report(t.Context(), tasks.Finding{Kind: kind, BlockedFor: time.Minute, Reason: "60020"})
		return err
	}
}

func resumed(t *testing.T, p *pacing.Pacer) error {
	t.Helper()
	if err := p.Pause(t.Context()); err != nil {
		return err
	}
	return p.Resume(t.Context())
}

func TestAReloadReplacesTheApps(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	c := collector(rdb)
	next := apps.New(rdb)
	next.Add(apps.App{Name: "new", Limits: tasks.DefaultLimits()})
	c.Replace(next)
	if n := testutil.CollectAndCount(c, "wecomq_app_state"); n != 5 {
		t.Errorf("%d series, want the five states of the new app", n)
	}
}

func TestAnAppThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	for what, key := range map[string]string{"limits": keys.Pace("ops"), "queue": "asynq:{ops:default}:pending", "audit": keys.Audit("ops")} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			if err := rdb.SAdd(t.Context(), key, "of another type").Err(); err != nil {
				t.Fatal(err)
			}
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(collector(rdb))
			families, err := registry.Gather()
			if err == nil || strings.Count(err.Error(), "WRONGTYPE") != 1 || !strings.Contains(err.Error(), "app ops: ") {
				t.Errorf("error %v, want why ops cannot be read", err)
			}
			var got []string
			for _, m := range familyOf(families, "wecomq_app_state") {
				got = append(got, m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue())
			}
			if want := []string{"hr paused", "hr penalty", "hr running", "hr suspended", "hr unavailable"}; !slices.Equal(got, want) {
				t.Errorf("states %q, want %q", got, want)
			}
		})
	}
}

func TestCollectorSaysThatRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	server.Kill()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector(rdb))
	if families, err := registry.Gather(); err == nil || len(families) > 0 {
		t.Errorf("metrics %v, error %v; want none and why", families, err)
	}
}
