package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// trial is one way to send, with a number of workers.
type trial struct {
	settings

	way     way
	workers int
	*stage.Landscape
}

// result is a line of the table.
type result struct {
	way     string
	workers int

	used     float64 // share of the allowed calls
	most     int     // calls in any 60 s
	refused  int64   // calls answered 45009
	dequeues float64 // per message
	latency  stage.Latencies
	load     load // of Redis
}

func (t trial) run(ctx context.Context) (result, error) {
	p, err := producer.New(t.Redis.Client, producer.Config{App: stage.App})
	if err != nil {
		return result{}, err
	}
	if err := t.fill(ctx, p); err != nil {
		return result{}, fmt.Errorf("enqueue the backlog: %w", err)
	}
	fleet, err := t.startWorkers(ctx)
	if err != nil {
		return result{}, err
	}
	if err := t.awaitArrival(ctx); err != nil {
		return result{}, err
	}
	if err := stage.Wait(ctx, t.warmUp); err != nil {
		return result{}, err
	}
	before, err := takeReading(ctx, t.Redis.Client, fleet)
	if err != nil {
		return result{}, err
	}
	alerts, err := t.alert(ctx, p)
	if err != nil {
		return result{}, err
	}
	after, err := takeReading(ctx, t.Redis.Client, fleet)
	if err != nil {
		return result{}, err
	}
	return t.conclude(ctx, before, after, alerts)
}

// startWorkers starts the worker processes and waits until each is up.
func (t trial) startWorkers(ctx context.Context) ([]*worker, error) {
	path, args, err := t.workerCommand()
	if err != nil {
		return nil, err
	}
	for i := range t.workers {
		path, args := t.withClock(i, path, args)
		if err := t.StartWorkers(ctx, 1, `"addr"`, path, args...); err != nil {
			return nil, err
		}
	}
	workers := make([]*worker, t.workers)
	for i, p := range t.Workers {
		if workers[i], err = newWorker(ctx, p, t.way); err != nil {
			return nil, err
		}
	}
	return workers, nil
}

func (t trial) workerCommand() (path string, args []string, err error) {
	if t.way.pattern == "" {
		config, err := t.WriteConfig(map[string]any{"calls_per_minute": t.limit})
		return t.wecomq, []string{"worker", "-c", config, "--listen", "127.0.0.1:0"}, err
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(baseline{
		Pattern: t.way.pattern, Redis: t.Redis.URL, WeCom: t.WeCom, Limit: t.limit, Workers: t.workers, DelayedPoll: t.way.delayedPoll,
	})
	return self, []string{baselineCommand, string(text)}, err
}

// fill enqueues the backlog, each message to a different member.
func (t trial) fill(ctx context.Context, p *producer.Producer) error {
	const batch = 10_000
	for first := 0; first < t.backlog; first += batch {
		messages := make([]producer.Message, min(batch, t.backlog-first))
		for i := range messages {
			messages[i] = producer.Message{
				Request: text(fmt.Sprintf("bulk-%d", first+i)), Options: producer.Options{Priority: tasks.Bulk},
			}
		}
		for _, result := range p.SendBatch(ctx, messages) {
			if result.Err != nil {
				return result.Err
			}
		}
	}
	return nil
}

func text(user string) message.Request {
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: user},
		Text:              message.TextField{Content: "For " + user},
	}
}

// alert waits for the measured time, and enqueues alerts at random times in it.
func (t trial) alert(ctx context.Context, p *producer.Producer) (stage.Alerts, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.duration, stage.ErrOver)
	defer cancel()
	given := stage.Alerts{}
	return given, given.Enqueue(ctx, t.alertEvery, func(ctx context.Context, user string) error {
		_, err := p.Send(ctx, text(user), producer.Options{Priority: tasks.Critical})
		return err
	})
}

// awaitArrival waits for the first message.
func (t trial) awaitArrival(ctx context.Context) error {
	const interval = 5 * time.Millisecond
	for {
		if first, err := t.Simulator.Messages(ctx, "limit=1"); err != nil || len(first) > 0 {
			return err
		}
		if err := stage.Wait(ctx, interval); err != nil {
			return err
		}
	}
}

// conclude waits for the last alerts and counts what arrived between two readings.
func (t trial) conclude(ctx context.Context, before, after reading, given stage.Alerts) (result, error) {
	all, err := t.awaitAlerts(ctx, given)
	if err != nil {
		return result{}, err
	}
	stats, err := t.Simulator.Stats(ctx)
	if err != nil {
		return result{}, err
	}
	if err := t.Alive(); err != nil {
		return result{}, err
	}
	elapsed := after.at.Sub(before.at)
	arrived := all.within(before.at, after.at)
	return result{
		way: t.way.name, workers: t.workers,
		used: float64(arrived) / (float64(t.limit) * elapsed.Minutes()), most: all.most(time.Minute), refused: stats.APIs["message/send"].Codes[wecom.Code(45009)],
		dequeues: (after.dequeues - before.dequeues) / float64(arrived),
		latency:  given.Latencies(all.at()), load: after.since(before),
	}, nil
}

// awaitAlerts waits until all have arrived, but not longer than the grace.
func (t trial) awaitAlerts(ctx context.Context, given stage.Alerts) (arrivals, error) {
	const step = 200 * time.Millisecond
	end := time.Now().Add(t.grace)
	for {
		messages, err := t.Simulator.Messages(ctx, "")
		all := arrivals(messages)
		if err != nil || given.Latencies(all.at()).Missing() == 0 || time.Now().After(end) {
			return all, err
		}
		if err := stage.Wait(ctx, step); err != nil {
			return nil, err
		}
	}
}
