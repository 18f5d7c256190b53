package metrics

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/notify"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Config configures [Metrics]. All fields are optional.
type Config struct {
	Version string // of wecomq
	// Logger gets a line for each error of a scrape.
	Logger zerolog.Logger
}

// Metrics are the metrics of a process. They are safe for concurrent use.
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
	media      *prometheus.CounterVec
	unknown    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	sent       *prometheus.CounterVec
	refused    *prometheus.CounterVec
	notified   *prometheus.CounterVec
	apps       *apps.Collector   // nil until WatchRedis
	budgets    *budget.Collector // nil until WatchRedis
	gatherers  prometheus.Gatherers
	log        zerolog.Logger
}

// waitBuckets range from 5 ms to a day.
var waitBuckets = []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

// New returns metrics without any series.
func New(cfg Config) *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	factory := promauto.With(registry)
	factory.NewGauge(prometheus.GaugeOpts{
		Name: "wecomq_build_info", Help: "Always 1; the label is the version of wecomq. Every process has this series.",
		ConstLabels: prometheus.Labels{"version": cfg.Version},
	}).Set(1)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return factory.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	return &Metrics{
		registry: registry, gatherers: prometheus.Gatherers{registry}, log: cfg.Logger,
		messages: counter("wecomq_messages_total", "Messages by their final state.",
			"app", "type", "priority", "state"),
		recipients: counter("wecomq_recipients_total", "Recipients named in finished messages, by their result.",
			"app", "result"),
		requests: counter("wecomq_api_requests_total", `Calls to WeCom by errcode; "none" when there was no answer.`,
			"app", "api", "errcode"),
		duration: histogram("wecomq_api_request_duration_seconds", "Duration of calls to WeCom, access token included.",
			prometheus.ExponentialBuckets(0.005, 2, 12), "app", "api"),
		queueWait: histogram("wecomq_queue_wait_seconds", "Age of messages each time they are taken from their queue.",
			waitBuckets, "app", "priority"),
		hold: histogram("wecomq_hold_seconds", "How long messages have to wait for WeCom's limits, by limit.",
			waitBuckets, "app", "reason"),
		refreshes: counter("wecomq_token_refreshes_total", "Calls of gettoken by reason: first, early, expired, refused; or failed.",
			"app", "reason"),
		webhooks: counter("wecomq_webhook_alerts_total", "Alerts received by webhook, by result; result refused counts webhooks.",
			"app", "source", "result"),
		media: counter("wecomq_media_uploads_total", "Uploads of message files to WeCom, by result: uploaded, renewed after WeCom had forgotten the file, failed.",
			"app", "result"),
		unknown: counter("wecomq_ingress_unknown_total", "Messages passed on to WeCom with a member or msgtype that wecomq does not know.",
			"app", "what"),
		failures: counter("wecomq_auth_failures_total", "Rejected tokens of clients, by where they were presented.",
			"door"),
		sent: counter("wecomq_token_messages_total", "Messages enqueued by a token of this gateway; a broadcast is one.",
			"token"),
		refused: counter("wecomq_token_refused_total", "Messages refused because of a limit of their token.",
			"token", "limit"),
		notified: counter("wecomq_notifications_total", "Outcomes of messages sent to notify_url, by result: delivered, given_up; failed counts attempts.",
			"app", "result"),
	}
}

// WatchRedis adds the state in Redis: that of the apps, and their queues.
func (m *Metrics) WatchRedis(rdb redis.UniversalClient, watched *apps.Inspector) {
	m.apps = apps.NewCollector(watched)
	inRedis := prometheus.NewRegistry()
	m.budgets = budget.NewCollector(rdb)
	inRedis.MustRegister(m.apps, m.budgets, asynqx.NewCollector(rdb))
	m.gatherers = append(m.gatherers, &cachedGatherer{gatherer: inRedis, life: lookLife})
}

// WatchApps replaces the apps of [Metrics.WatchRedis].
func (m *Metrics) WatchApps(watched *apps.Inspector) { m.apps.Replace(watched) }

// WatchTokens replaces the tokens whose budgets are exported; only messages of these tokens are counted.
func (m *Metrics) WatchTokens(tokens map[string]budget.Limits) {
	m.budgets.Replace(tokens)
	for name := range tokens {
		m.TokenSent(name, 0)
	}
}

// InitSeries initialises the counters of an app that alerting rules use with 0: to Prometheus, a series that
// starts at 1 has not increased.
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
	for _, result := range media.Results() {
		m.media.WithLabelValues(app, string(result))
	}
}

// InitWebhookSeries does the same for the webhooks of a gateway.
func (m *Metrics) InitWebhookSeries(app string, sources []webhook.Source) {
	for _, source := range sources {
		for _, result := range webhook.Results() {
			m.Alerted(app, source, result, 0)
		}
	}
}

// Alerted counts alerts received by webhook.
func (m *Metrics) Alerted(app string, source webhook.Source, result webhook.Result, alerts int) {
	m.webhooks.WithLabelValues(app, string(source), string(result)).Add(float64(alerts))
}

// UnknownPassed counts messages of WeCom's clients with parts unknown to wecomq.
func (m *Metrics) UnknownPassed(app, what string) { m.unknown.WithLabelValues(app, what).Inc() }

// AuthFailures counts tokens that were not admitted at a door.
func (m *Metrics) AuthFailures(door string, n int) { m.failures.WithLabelValues(door).Add(float64(n)) }

// TokenSent counts messages that a token of the config has enqueued.
func (m *Metrics) TokenSent(token string, messages int) {
	m.sent.WithLabelValues(token).Add(float64(messages))
}

// TokenRefused counts a message that exceeded a budget of a token of the config, or that it may not send.
func (m *Metrics) TokenRefused(token, limit string) {
	m.refused.WithLabelValues(token, limit).Inc()
}

var knownTypes = append(message.Types(), tasks.CardUpdateType)

// typeLabel bounds the values of the label: a client can name any msgtype.
func typeLabel(kind message.Type) string {
	if slices.Contains(knownTypes, kind) {
		return string(kind)
	}
	return "other"
}

// InitNotifySeries does the same for an app whose outcomes are notified.
func (m *Metrics) InitNotifySeries(app string) {
	for _, result := range notify.Results() {
		m.Notified(app, result, 0)
	}
}

// Notified counts outcomes by the result of their notification, or attempts.
func (m *Metrics) Notified(app string, r notify.Result, n int) {
	m.notified.WithLabelValues(app, string(r)).Add(float64(n))
}

// MediaUploaded counts an upload of a message's file.
func (m *Metrics) MediaUploaded(app string, r media.Result) {
	m.media.WithLabelValues(app, string(r)).Inc()
}

// CountTokens wraps an app's token store to count its calls of gettoken.
func (m *Metrics) CountTokens(app string, store wecom.TokenStore) wecom.TokenStore {
	return &tokenCounter{TokenStore: store, calls: m.refreshes.MustCurryWith(prometheus.Labels{"app": app})}
}

// Settled counts a message whose state has become final.
func (m *Metrics) Settled(r tasks.Record) {
	m.messages.WithLabelValues(r.App, typeLabel(r.Type), string(r.Priority), string(r.State)).Inc()
	to := r.Recipients
	for result, n := range map[string]int{
		"accepted": to.Accepted, "invalid": to.Refused() - len(to.Unlicensed), "unlicensed": len(to.Unlicensed), "deferred": to.Deferred,
		"rejected": to.Rejected, "unknown": to.Unknown, "expired": to.Expired, "cancelled": to.Cancelled,
	} {
		m.recipients.WithLabelValues(r.App, result).Add(float64(n))
	}
}

// Dequeued observes the age of a message when it is taken from its queue.
func (m *Metrics) Dequeued(app string, p tasks.Priority, waited time.Duration) {
	m.queueWait.WithLabelValues(app, string(p)).Observe(waited.Seconds())
}

// Held observes how long a message has to wait, and for which limit.
func (m *Metrics) Held(app, reason string, wait time.Duration) {
	m.hold.WithLabelValues(app, reason).Observe(wait.Seconds())
}

// Handler serves Prometheus. If Redis fails, its metrics are missing; the error is logged
// and counted in promhttp_metric_handler_errors_total.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.gatherers, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: scrapeLog{m.log}, Registry: m.registry,
	})
}

// scrapeLog passes the errors of a scrape to our log.
type scrapeLog struct{ log zerolog.Logger }

// Println implements [promhttp.Logger].
func (l scrapeLog) Println(v ...any) {
	l.log.Warn().Str(fields.Component, "metrics").Msg(strings.TrimSpace(fmt.Sprintln(v...)))
}
