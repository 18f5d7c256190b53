package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// metrics are what a process tells Prometheus. No user id is a label.
type metrics struct {
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
	looks      []prometheus.Gatherer
	log        zerolog.Logger
}

// waitBuckets reach from 5 ms to a day.
var waitBuckets = []float64{.005, .025, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_messages_total", Help: "Messages by their final state.",
		}, []string{"app", "type", "priority", "state"}),
		recipients: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wecomq_recipients_total", Help: "Recipients named in finished messages, by what became of them.",
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
			Name: "wecomq_webhook_alerts_total", Help: "Alerts that came by webhook, by what became of them; of result refused, webhooks.",
		}, []string{"app", "source", "result"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wecomq_build_info", Help: "1, and the version of wecomq: the one series that every process has.",
		ConstLabels: prometheus.Labels{"version": buildVersion()},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.messages, m.recipients, m.requests, m.duration, m.queueWait, m.hold, m.refreshes, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// measure makes the metrics of a process that serves them: its own and those that
// stand in Redis.
func (d *deployment) measure() *metrics {
	m := newMetrics()
	m.log = d.log
	m.apps = apps.NewCollector(d.apps())
	inRedis := prometheus.NewRegistry()
	inRedis.MustRegister(m.apps, asynqx.NewCollector(d.rdb))
	m.looks = []prometheus.Gatherer{&cachedGatherer{gatherer: inRedis, life: lookLife}}
	d.metrics = m
	return m
}

// prepare looks at other apps from a reload on.
func (m *metrics) prepare(next *deployment) (apply func(), err error) {
	return func() { m.apps.Replace(next.apps()) }, nil
}

// expect shows the counters that alerts watch as 0 before their first event: from
// nothing to 1 is no increase to Prometheus.
func (m *metrics) expect(app string) {
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

// expectWebhooks does so for a gateway.
func (m *metrics) expectWebhooks(app string) {
	for _, source := range []webhook.Source{webhook.Alertmanager, webhook.Grafana} {
		for _, result := range webhook.Results() {
			m.alerted(app, source, result, 0)
		}
	}
}

func (m *metrics) alerted(app string, source webhook.Source, result webhook.Result, alerts int) {
	m.webhooks.WithLabelValues(app, string(source), string(result)).Add(float64(alerts))
}

// countTokens counts an app's calls of gettoken.
func (m *metrics) countTokens(app string, store wecom.TokenStore) wecom.TokenStore {
	return &tokenCounter{TokenStore: store, calls: m.refreshes.MustCurryWith(prometheus.Labels{"app": app})}
}

// settled counts a message whose state has become final.
func (m *metrics) settled(r tasks.Record) {
	m.messages.WithLabelValues(r.App, string(r.Type), string(r.Priority), string(r.State)).Inc()
	to := r.Recipients
	for result, n := range map[string]int{
		"accepted": to.Accepted, "invalid": to.Refused() - len(to.Unlicensed), "unlicensed": len(to.Unlicensed), "deferred": to.Deferred,
		"rejected": to.Rejected, "unknown": to.Unknown, "expired": to.Expired, "cancelled": to.Cancelled,
	} {
		m.recipients.WithLabelValues(r.App, result).Add(float64(n))
	}
}

func (m *metrics) dequeued(app string, p tasks.Priority, waited time.Duration) {
	m.queueWait.WithLabelValues(app, string(p)).Observe(waited.Seconds())
}

func (m *metrics) held(app, reason string, wait time.Duration) {
	m.hold.WithLabelValues(app, reason).Observe(wait.Seconds())
}

// instrument counts and times what an app's client does.
func (m *metrics) instrument(app string, client wecomClient) wecomClient {
	return &instrumented{client, app, m}
}

type instrumented struct {
	wecomClient

	app     string
	metrics *metrics
}

func (i *instrumented) Post(ctx context.Context, api string, body []byte, reply any) error {
	began := time.Now()
	err := i.wecomClient.Post(ctx, api, body, reply)
	i.note(api, began, err)
	return err
}

func (i *instrumented) UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error) {
	began := time.Now()
	media, err := i.wecomClient.UploadMedia(ctx, kind, filename, content)
	i.note("media/upload", began, err)
	return media, err
}

func (i *instrumented) note(api string, began time.Time, err error) {
	i.metrics.duration.WithLabelValues(i.app, api).Observe(time.Since(began).Seconds())
	i.metrics.requests.WithLabelValues(i.app, api, errcodeLabel(err)).Inc()
}

func errcodeLabel(err error) string {
	var refused *wecom.Error
	switch {
	case err == nil:
		return "0"
	case errors.As(err, &refused):
		return strconv.FormatInt(int64(refused.Code), 10)
	default:
		return "none"
	}
}

// exposition is what Prometheus scrapes. What Redis does not tell is missing there,
// logged, and counted in promhttp_metric_handler_errors_total.
func (m *metrics) exposition() http.Handler {
	return promhttp.HandlerFor(append(prometheus.Gatherers{m.registry}, m.looks...), promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, ErrorLog: scrapeLog{m.log}, Registry: m.registry,
	})
}

// scrapeLog passes what a scrape could not find on to our log.
type scrapeLog struct{ log zerolog.Logger }

// Println implements [promhttp.Logger].
func (l scrapeLog) Println(v ...any) {
	l.log.Warn().Str(fields.Component, "metrics").Msg(strings.TrimSpace(fmt.Sprintln(v...)))
}

// handler serves health and metrics. ready says why nothing can be stored, nil if it can.
func (m *metrics) handler(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.exposition())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := ready(r.Context()); err != nil {
			m.log.Warn().Err(err).Msg("not ready")
			http.Error(w, brief(err), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}
