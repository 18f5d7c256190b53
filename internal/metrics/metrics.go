package metrics

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Config is what [Metrics] are made with. All of it may be left out.
type Config struct {
	Version string // of wecomq
	// Logger gets a line for what a scrape could not find.
	Logger zerolog.Logger
}

// Metrics are those of a process. They are safe for concurrent use.
type Metrics struct {
	registry   *prometheus.Registry
	messages   *prometheus.CounterVec
	recipients *prometheus.CounterVec
	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	queueWait  *prometheus.HistogramVec
	hold       *prometheus.HistogramVec
	refreshes  *prometheus.CounterVec
	webhooks   *prometheus.CounterVec
	apps       *apps.Collector // nil until there is a Redis to look at
	gatherers  prometheus.Gatherers
	log        zerolog.Logger
}

// waitBuckets reach from 5 ms to a day.
var waitBuckets = []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

// New makes them, all without a series.
func New(cfg Config) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(), log: cfg.Logger,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_messages_total", Help: "Messages by their final state.",
		}, []string{"app", "type", "priority", "state"}),
		recipients: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_recipients_total", Help: "Recipients named in finished messages, by their result.",
		}, []string{"app", "result"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_api_requests_total", Help: `Calls to WeCom by errcode; "none" when there was no answer.`,
		}, []string{"app", "api", "errcode"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wecomq_api_request_duration_seconds", Help: "Duration of calls to WeCom, access token included.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}, []string{"app", "api"}),
		queueWait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wecomq_queue_wait_seconds", Help: "Age of messages each time that they are taken from their queue.",
			Buckets: waitBuckets,
		}, []string{"app", "priority"}),
		hold: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "wecomq_hold_seconds", Help: "How long messages are told to wait for WeCom's limits, by what they wait for.",
			Buckets: waitBuckets,
		}, []string{"app", "reason"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_token_refreshes_total", Help: "Calls of gettoken by reason: first, early, expired, refused; or failed.",
		}, []string{"app", "reason"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_webhook_alerts_total", Help: "Alerts that came by webhook, by their result; with result refused, webhooks.",
		}, []string{"app", "source", "result"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wecomq_build_info", Help: "1, and the version of wecomq: the one series that every process has.",
		ConstLabels: prometheus.Labels{"version": cfg.Version},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.messages, m.recipients, m.requests, m.duration, m.queueWait, m.hold, m.refreshes, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gatherers = prometheus.Gatherers{m.registry}
	return m
}

// WatchRedis adds what is kept in Redis: the state of the apps, and their queues.
func (m *Metrics) WatchRedis(rdb redis.UniversalClient, watched *apps.Inspector) {
	m.apps = apps.NewCollector(watched)
	inRedis := prometheus.NewRegistry()
	inRedis.MustRegister(m.apps, asynqx.NewCollector(rdb))
	m.gatherers = append(m.gatherers, &cachedGatherer{gatherer: inRedis, life: lookLife})
}

// WatchApps makes other apps those of [Metrics.WatchRedis].
func (m *Metrics) WatchApps(watched *apps.Inspector) { m.apps.Replace(watched) }

// InitSeries shows an app's counters that alerts watch as 0 before their first event:
// from nothing to 1 is no increase to Prometheus.
func (m *Metrics) InitSeries(app string) {
	for _, priority := range tasks.Priorities() {
		for _, kind := range message.Types() {
			for _, state := range []tasks.State{tasks.Rejected, tasks.Unknown, tasks.Expired} {
				m.messages.WithLabelValues(app, string(kind), string(priority), string(state))
			}
		}
	}
	for _, reason := range refreshReasons {
		m.refreshes.WithLabelValues(app, reason)
	}
	for _, result := range []string{"accepted", "invalid", "unlicensed"} {
		m.recipients.WithLabelValues(app, result)
	}
}

// InitWebhookSeries does so for a gateway.
func (m *Metrics) InitWebhookSeries(app string) {
	for _, source := range []webhook.Source{webhook.Alertmanager, webhook.Grafana} {
		for _, result := range webhook.Results() {
			m.Alerted(app, source, result, 0)
		}
	}
}

// Alerted counts alerts that came by webhook.
func (m *Metrics) Alerted(app string, source webhook.Source, result webhook.Result, alerts int) {
	m.webhooks.WithLabelValues(app, string(source), string(result)).Add(float64(alerts))
}

// CountTokens counts an app's calls of gettoken.
func (m *Metrics) CountTokens(app string, store wecom.TokenStore) wecom.TokenStore {
	return &tokenCounter{TokenStore: store, calls: m.refreshes.MustCurryWith(prometheus.Labels{"app": app})}
}

// Settled counts a message whose state has become final.
func (m *Metrics) Settled(r tasks.Record) {
	m.messages.WithLabelValues(r.App, string(r.Type), string(r.Priority), string(r.State)).Inc()
	to := r.Recipients
	for result, n := range map[string]int{
		"accepted": to.Accepted, "invalid": to.Refused() - len(to.Unlicensed), "unlicensed": len(to.Unlicensed), "deferred": to.Deferred,
		"rejected": to.Rejected, "unknown": to.Unknown, "expired": to.Expired, "cancelled": to.Cancelled,
	} {
		m.recipients.WithLabelValues(r.App, result).Add(float64(n))
	}
}

// Dequeued notes how old a message was when it was taken from its queue.
func (m *Metrics) Dequeued(app string, p tasks.Priority, waited time.Duration) {
	m.queueWait.WithLabelValues(app, string(p)).Observe(waited.Seconds())
}

// Held notes for how long a message is told to wait, and what for.
func (m *Metrics) Held(app, reason string, wait time.Duration) {
	m.hold.WithLabelValues(app, reason).Observe(wait.Seconds())
}

// Handler is what Prometheus scrapes. What Redis does not tell is missing there,
// logged, and counted in promhttp_metric_handler_errors_total.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.gatherers, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: scrapeLog{m.log}, Registry: m.registry,
	})
}

// scrapeLog passes what a scrape could not find on to our log.
type scrapeLog struct{ log zerolog.Logger }

// Println implements [promhttp.Logger].
func (l scrapeLog) Println(v ...any) {
	l.log.Warn().Str(fields.Component, "metrics").Msg(strings.TrimSpace(fmt.Sprintln(v...)))
}
