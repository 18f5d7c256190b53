package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// trial is one way to send, with a number of workers.
type trial struct {
	settings

	way     way
	workers int
	*landscape
}

// result is a line of the table.
type result struct {
	way     string
	workers int

	used     float64 // share of the allowed calls
	most     int     // calls in any 60 s
	refused  int64   // calls answered 45009
	dequeues float64 // per message
	latency  latencies
	load     load // of Redis
}

func (t trial) run(ctx context.Context) (result, error) {
	p, err := producer.New(t.redis.Client, producer.Config{App: app})
	if err != nil {
		return result{}, err
	}
	if err := t.fill(ctx, p); err != nil {
		return result{}, fmt.Errorf("enqueue the backlog: %w", err)
	}
	fleet, err := t.startWorkers(ctx, t.way, t.workers)
	if err != nil {
		return result{}, err
	}
	if err := t.simulator.awaitArrival(ctx); err != nil {
		return result{}, err
	}
	if err := stage.Wait(ctx, t.warmUp); err != nil {
		return result{}, err
	}
	before, err := takeReading(ctx, t.redis.Client, fleet)
	if err != nil {
		return result{}, err
	}
	alerts, err := t.alert(ctx, p)
	if err != nil {
		return result{}, err
	}
	after, err := takeReading(ctx, t.redis.Client, fleet)
	if err != nil {
		return result{}, err
	}
	return t.conclude(ctx, before, after, alerts)
}

// fill enqueues the backlog, each message to another member.
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

// alert lets the measured time pass, and enqueues alerts at random moments of it.
func (t trial) alert(ctx context.Context, p *producer.Producer) (alerts, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.duration, errOver)
	defer cancel()
	given := alerts{}
	return given, given.enqueue(ctx, p, t.alertEvery)
}

// conclude waits for the last alerts and counts what arrived between two readings.
func (t trial) conclude(ctx context.Context, before, after reading, given alerts) (result, error) {
	all, err := t.awaitAlerts(ctx, given)
	if err != nil {
		return result{}, err
	}
	refused, err := t.simulator.refused(ctx)
	if err != nil {
		return result{}, err
	}
	if err := t.alive(); err != nil {
		return result{}, err
	}
	elapsed := after.at.Sub(before.at)
	arrived := all.within(before.at, after.at)
	return result{
		way: t.way.name, workers: t.workers,
		used: float64(arrived) / (float64(t.limit) * elapsed.Minutes()), most: all.most(time.Minute), refused: refused,
		dequeues: (after.dequeues - before.dequeues) / float64(arrived),
		latency:  given.latencies(all.at()), load: after.since(before),
	}, nil
}

// awaitAlerts waits until all have arrived, but not longer than the grace.
func (t trial) awaitAlerts(ctx context.Context, given alerts) (arrivals, error) {
	const step = 200 * time.Millisecond
	end := time.Now().Add(t.grace)
	for {
		all, err := t.simulator.arrivals(ctx)
		if err != nil || given.latencies(all.at()).missing() == 0 || time.Now().After(end) {
			return all, err
		}
		if err := stage.Wait(ctx, step); err != nil {
			return nil, err
		}
	}
}
