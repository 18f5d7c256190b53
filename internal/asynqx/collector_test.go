package asynqx_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// collect gives what a collector says, as name{value of each label} → value, and
// the error of those that it could not say.
func collect(t *testing.T, c prometheus.Collector) (map[string]float64, error) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			labels := make([]string, 0, 2)
			for _, label := range m.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			values[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return values, err
}

func enqueue(t *testing.T, rdb redis.UniversalClient, tasks ...asynqx.Task) {
	t.Helper()
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now(), tasks) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
}

func TestCollectorCountsTheTasksOfEveryQueue(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, task("a"), task("b"), task("c", asynq.ProcessIn(time.Hour)), task("d"), task("e", asynq.Queue("hr:bulk")))
	if err := asynqx.Pause(t.Context(), rdb, "hr:bulk"); err != nil {
		t.Fatal(err)
	}
	if err := asynq.NewInspectorFromRedisClient(rdb).ArchiveTask("ops:default", "d"); err != nil {
		t.Fatal(err)
	}
	got, err := collect(t, asynqx.NewCollector(rdb))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"asynq_queue_memory_usage_approx_bytes", "asynq_queue_latency_seconds"} {
		if value, ok := got[name+"{ops:default}"]; !ok || value <= 0 {
			t.Errorf("%s of ops:default is %v, want more than 0", name, value)
		}
	}
	maps.DeleteFunc(got, func(name string, value float64) bool {
		return value == 0 || strings.Contains(name, "approx") || strings.Contains(name, "latency")
	})
	want := map[string]float64{
		"asynq_tasks_enqueued_total{ops:default,pending}":   2,
		"asynq_tasks_enqueued_total{ops:default,scheduled}": 1,
		"asynq_tasks_enqueued_total{ops:default,archived}":  1,
		"asynq_queue_size{ops:default}":                     4,
		"asynq_tasks_enqueued_total{hr:bulk,pending}":       1,
		"asynq_queue_size{hr:bulk}":                         1,
		"asynq_queue_paused_total{hr:bulk}":                 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics that are not 0 (-want +got):\n%s", diff)
	}
}

func TestCollectorCountsWhatHandlersDid(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for key, value := range map[string]int{"processed": 7, "failed": 2} {
		if err := rdb.Set(t.Context(), "asynq:{ops:default}:"+key, value, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	enqueue(t, rdb, task("a"))
	got, err := collect(t, asynqx.NewCollector(rdb))
	if err != nil {
		t.Fatal(err)
	}
	if p, f := got["asynq_tasks_processed_total{ops:default}"], got["asynq_tasks_failed_total{ops:default}"]; p != 7 || f != 2 {
		t.Errorf("%v processed, %v failed, want 7 and 2", p, f)
	}
}

func TestABrokenQueueDropsNoOther(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, task("a"), task("b", asynq.Queue("broken")))
	if err := rdb.Set(t.Context(), "asynq:{broken}:scheduled", "not a sorted set", 0).Err(); err != nil {
		t.Fatal(err)
	}
	got, err := collect(t, asynqx.NewCollector(rdb))
	if err == nil || !strings.Contains(err.Error(), "inspect queue broken") {
		t.Errorf("error %v, want one that names the broken queue", err)
	}
	if got["asynq_queue_size{ops:default}"] != 1 {
		t.Errorf("the other queue is not there: %v", got)
	}
}

func TestCollectorSaysThatRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	rdb := redis.NewClient(&redis.Options{Network: "unix", Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	t.Cleanup(func() { _ = rdb.Close() })
	server.Kill()
	if got, err := collect(t, asynqx.NewCollector(rdb)); err == nil || len(got) > 0 {
		t.Errorf("metrics %v, error %v; want none and why", got, err)
	}
}
