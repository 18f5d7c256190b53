package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/bench/stage"
)

// dequeuesMetric counts how often a baseline's worker takes a task from its queue; wecomq's workers count that
// themselves.
const dequeuesMetric = "dequeues_total"

// worker is a worker process as seen from outside.
type worker struct {
	url    string // of its metrics
	metric string // the beginning of those lines that count dequeues
}

// newWorker waits until a process serves its metrics.
func newWorker(ctx context.Context, p *stage.Process, w way) (*worker, error) {
	line, err := p.AwaitLine(ctx, `"addr"`)
	if err != nil {
		return nil, err
	}
	var listening struct {
		Addr string `json:"addr"`
	}
	if err := json.Unmarshal([]byte(line), &listening); err != nil {
		return nil, fmt.Errorf("read %q: %w", line, err)
	}
	metric := "wecomq_queue_wait_seconds_count"
	if w.pattern != "" {
		metric = dequeuesMetric
	}
	return &worker{"http://" + listening.Addr + "/metrics", metric}, nil
}

// dequeues sums the counters of all queues.
func (w *worker) dequeues(ctx context.Context) (float64, error) {
	body, err := stage.Get(ctx, w.url)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(string(body)) {
		if !strings.HasPrefix(line, w.metric) {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, fmt.Errorf("read %q: %w", line, err)
		}
		sum += value
	}
	return sum, nil
}
