package apps

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/tasks"
)

// collectTime bounds a collection; Prometheus gives up after ten seconds.
const collectTime = 3 * time.Second

// Collector exports the state of all apps to Prometheus, with two round trips per app.
// If Redis is unavailable, only these metrics are invalid.
type Collector struct{ apps atomic.Pointer[Inspector] }

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes no call.
func NewCollector(apps *Inspector) *Collector {
	c := &Collector{}
	c.Replace(apps)
	return c
}

// Replace puts other apps in the place of the former, as a reload does.
func (c *Collector) Replace(apps *Inspector) { c.apps.Store(apps) }

var (
	stateDesc = prometheus.NewDesc("wecomq_app_state", "1 for the state that an app is in, 0 for the others.",
		[]string{"app", "state"}, nil)
	quotaDesc = prometheus.NewDesc("wecomq_quota_remaining",
		"Recipients that an app may still reach in this day of China; only where seats are configured.",
		[]string{"app", "window"}, nil)
	imbalanceDesc = prometheus.NewDesc("wecomq_audit_imbalance",
		"Messages out of balance at the last audit; absent if there was none for a day.", []string{"app"}, nil)

	states = []string{pacing.Running, pacing.Paused, pacing.Penalty, pacing.Suspended, pacing.Unavailable}
)

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- stateDesc
	ch <- quotaDesc
	ch <- imbalanceDesc
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	apps := c.apps.Load()
	for _, app := range slices.Sorted(maps.Keys(apps.limits)) {
		apps.collectStatus(ctx, app, ch)
		apps.collectAudit(ctx, app, ch)
	}
}

func (a *Inspector) collectStatus(ctx context.Context, app string, ch chan<- prometheus.Metric) {
	status, err := a.pacer(app).Status(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(stateDesc, err)
		return
	}
	for _, state := range states {
		value := 0.0
		if state == status.State {
			value = 1
		}
		ch <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, value, app, state)
	}
	if quota := a.limits[app].DayQuota(tasks.Critical); quota > 0 {
		ch <- prometheus.MustNewConstMetric(quotaDesc, prometheus.GaugeValue, float64(max(0, quota-status.Used)), app, "day")
	}
}

func (a *Inspector) collectAudit(ctx context.Context, app string, ch chan<- prometheus.Metric) {
	last, err := a.LastAudit(ctx, app)
	switch {
	case err != nil:
		ch <- prometheus.NewInvalidMetric(imbalanceDesc, err)
	case last != nil:
		ch <- prometheus.MustNewConstMetric(imbalanceDesc, prometheus.GaugeValue, float64(last.Imbalance), app)
	}
}
