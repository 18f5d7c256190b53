package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/worker"
)

// metrics are what a worker process tells Prometheus. No user id is a label.
type metrics struct {
	registry   *prometheus.Registry
	messages   *prometheus.CounterVec
	recipients *prometheus.CounterVec
	requests   *prometheus.CounterVec
	duration   *prometheus.HistogramVec
}

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
	}
	m.registry.MustRegister(m.messages, m.recipients, m.requests, m.duration,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
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

// instrument counts and times what an app's sender does.
func (m *metrics) instrument(app string, sender worker.Sender) worker.Sender {
	return &instrumented{app, sender, m}
}

type instrumented struct {
	app     string
	sender  worker.Sender
	metrics *metrics
}

func (i *instrumented) Post(ctx context.Context, api string, body []byte, reply any) error {
	began := time.Now()
	err := i.sender.Post(ctx, api, body, reply)
	i.metrics.duration.WithLabelValues(i.app, api).Observe(time.Since(began).Seconds())
	i.metrics.requests.WithLabelValues(i.app, api, errcodeLabel(err)).Inc()
	return err
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

// handler serves health and metrics. ready says why the process cannot work, nil if it can.
func (m *metrics) handler(ready func(context.Context) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := ready(ctx); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}
