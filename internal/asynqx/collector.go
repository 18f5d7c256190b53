package asynqx

import (
	"context"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Collector exports all of asynq's queues to Prometheus, with the names and types that asynqmon's charts
// need; a task that is due counts as pending. Each collection costs three round trips per queue and makes
// Redis estimate the queue's memory, so do not collect at every scrape of every process.
//
// If Redis fails for one queue, only that queue has an invalid metric: serve the others with
// promhttp.ContinueOnError.
type Collector struct {
	rdb       redis.UniversalClient
	inspector *asynq.Inspector
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes no call. The caller closes rdb.
func NewCollector(rdb redis.UniversalClient) *Collector {
	return &Collector{rdb, asynq.NewInspectorFromRedisClient(rdb)}
}

// gauge is one number of a queue. asynq's own collector calls the first one a total, though it can decrease.
type gauge struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	state string // the second label, if any
	value func(*asynq.QueueInfo) float64
}

func (g gauge) metric(q *asynq.QueueInfo) prometheus.Metric {
	labels := []string{q.Queue}
	if g.state != "" {
		labels = append(labels, g.state)
	}
	return prometheus.MustNewConstMetric(g.desc, g.kind, g.value(q), labels...)
}

var (
	tasksDesc     = queueDesc("asynq_tasks_enqueued_total", "Tasks in a queue now, by state.", "state")
	sizeDesc      = queueDesc("asynq_queue_size", "Tasks in a queue now, including finished ones.")
	latencyDesc   = queueDesc("asynq_queue_latency_seconds", "How long the oldest task of a queue has waited since it was enqueued or due.")
	memoryDesc    = queueDesc("asynq_queue_memory_usage_approx_bytes", "Memory that a queue takes in Redis, estimated from samples.")
	processedDesc = queueDesc("asynq_tasks_processed_total", "Finished deliveries, successful or not.")
	failedDesc    = queueDesc("asynq_tasks_failed_total", "Failed deliveries.")
	pausedDesc    = queueDesc("asynq_queue_paused_total", "1 while a queue is paused.")
)

func queueDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"queue"}, labels...), nil)
}

// misnamed is the type of gauges that asynq calls a total: Prometheus's linter accepts the name only for a
// counter or an untyped metric, and asynqmon's charts expect the name.
const misnamed = prometheus.UntypedValue

var gauges = []gauge{
	{tasksDesc, misnamed, "active", func(q *asynq.QueueInfo) float64 { return float64(q.Active) }},
	{tasksDesc, misnamed, "pending", func(q *asynq.QueueInfo) float64 { return float64(q.Pending) }},
	{tasksDesc, misnamed, "scheduled", func(q *asynq.QueueInfo) float64 { return float64(q.Scheduled) }},
	{tasksDesc, misnamed, "retry", func(q *asynq.QueueInfo) float64 { return float64(q.Retry) }},
	{tasksDesc, misnamed, "archived", func(q *asynq.QueueInfo) float64 { return float64(q.Archived) }},
	{tasksDesc, misnamed, "completed", func(q *asynq.QueueInfo) float64 { return float64(q.Completed) }},
	{sizeDesc, prometheus.GaugeValue, "", func(q *asynq.QueueInfo) float64 { return float64(q.Size) }},
	{latencyDesc, prometheus.GaugeValue, "", func(q *asynq.QueueInfo) float64 { return q.Latency.Seconds() }},
	{memoryDesc, prometheus.GaugeValue, "", func(q *asynq.QueueInfo) float64 { return float64(q.MemoryUsage) }},
	{processedDesc, prometheus.CounterValue, "", func(q *asynq.QueueInfo) float64 { return float64(q.ProcessedTotal) }},
	{failedDesc, prometheus.CounterValue, "", func(q *asynq.QueueInfo) float64 { return float64(q.FailedTotal) }},
	{pausedDesc, misnamed, "", func(q *asynq.QueueInfo) float64 {
		if q.Paused {
			return 1
		}
		return 0
	}},
}

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range gauges {
		ch <- g.desc
	}
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	queues, err := c.inspector.Queues()
	if err != nil {
		ch <- prometheus.NewInvalidMetric(sizeDesc, fmt.Errorf("list the queues: %w", err))
		return
	}
	for _, queue := range queues {
		info, err := c.queue(queue)
		if err != nil {
			ch <- prometheus.NewInvalidMetric(sizeDesc, fmt.Errorf("inspect queue %s: %w", queue, err))
			continue
		}
		for _, g := range gauges {
			ch <- g.metric(info)
		}
	}
}

// queue describes a queue as its workers see it: due tasks count as pending.
func (c *Collector) queue(name string) (*asynq.QueueInfo, error) {
	info, err := c.inspector.GetQueueInfo(name)
	if err != nil {
		return nil, err
	}
	looked, err := Look(context.Background(), c.rdb, name) // prometheus passes no context
	if err != nil {
		return nil, err
	}
	own := looked[0]
	info.Pending, info.Scheduled, info.Retry, info.Latency = own.Pending, own.Scheduled, own.Retry, own.Oldest()
	return info, nil
}
