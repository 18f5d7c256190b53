package apps

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wecomq/wecomq/internal/pacing"
)

// collectTime bounds a collection; Prometheus gives up after ten seconds.
const collectTime = 3 * time.Second

// Collector exports the state of all apps to Prometheus, with a few round trips.
// If Redis is unavailable, only these metrics are invalid; if an app cannot be read, only its own.
type Collector struct{ apps atomic.Pointer[Inspector] }

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes no call.
func NewCollector(apps *Inspector) *Collector {
	c := &Collector{}
	c.Replace(apps)
	return c
}

// Replace replaces the apps after a reload.
func (c *Collector) Replace(apps *Inspector) { c.apps.Store(apps) }

var (
	stateDesc = prometheus.NewDesc("wecomq_app_state", "1 for the state that an app is in, 0 for the others.",
		[]string{"app", "state"}, nil)
	quotaDesc = prometheus.NewDesc("wecomq_quota_remaining",
		"Recipients that an app may still reach in this day of China; only where seats are configured.",
		[]string{"app", "window"}, nil)
	leftDesc = prometheus.NewDesc("wecomq_priority_quota_remaining",
		"Recipients that messages of a priority may still reach in this day of China; only where seats are configured.",
		[]string{"app", "priority"}, nil)
	oldestDesc = prometheus.NewDesc("wecomq_oldest_waiting_seconds",
		"How long the message has waited that has waited longest, since it was enqueued or since its time, by the limit that holds it; 0 if none waits.",
		[]string{"app", "priority", "reason"}, nil)
	imbalanceDesc = prometheus.NewDesc("wecomq_audit_imbalance",
		"Inconsistent messages at the last audit; absent if there was none for a day.", []string{"app"}, nil)

	states = []string{pacing.Running, pacing.Paused, pacing.Penalty, pacing.Suspended, pacing.Unavailable}
)

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- stateDesc
	ch <- quotaDesc
	ch <- leftDesc
	ch <- oldestDesc
	ch <- imbalanceDesc
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	apps := c.apps.Load()
	readable := apps.readable(ctx, slices.Sorted(maps.Keys(apps.apps)), func(err error) {
		ch <- prometheus.NewInvalidMetric(stateDesc, err)
	})
	for _, status := range readable {
		status.collect(ch)
	}
}

func (s *Status) collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{s.App}, labels...)...)
	}
	for _, state := range states {
		value := 0.0
		if state == s.State {
			value = 1
		}
		gauge(stateDesc, value, state)
	}
	if s.Quota.Left != nil {
		gauge(quotaDesc, float64(s.Quota.Left.Critical), "day")
	}
	if s.Audit != nil {
		gauge(imbalanceDesc, float64(s.Audit.Imbalance))
	}
	for _, q := range s.Queues {
		if s.Quota.Left != nil {
			gauge(leftDesc, float64(s.Quota.Left.Of(q.Priority)), string(q.Priority))
		}
		for reason, limit := range map[string]string{limitMember: limitMember, limitQuota: limitQuota, "other": ""} {
			gauge(oldestDesc, q.Waits[limit].Oldest.Seconds(), string(q.Priority), reason)
		}
	}
}
