package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// trial is one broadcast in one of the ways.
type trial struct {
	settings

	way, words string
	recipients int
	*stage.Landscape
}

// way is a way to send to many recipients, with running workers.
type way interface {
	// create stores the messages to all recipients in the list.
	create(ctx context.Context, list string) (creation, error)
	// send starts the sending. It returns how long that may take.
	send(ctx context.Context) (time.Duration, error)
	// alert enqueues an alert.
	alert(ctx context.Context, user string) error
	// check returns an error unless everything was sent.
	check(ctx context.Context) error
}

// creation is the cost of storing a broadcast.
type creation struct {
	recipients int // that were stored in that time
	took       time.Duration
	memory     int64 // of the process at its peak, in bytes
}

// result is a line of the table.
type result struct {
	way, words string
	recipients int
	// Not all were stored or reached in time: the rest is extrapolated.
	storedPartly, reachedPartly bool

	created, sent time.Duration
	calls         int64
	redis         int64 // bytes of data at the peak, above those of an empty server
	latency       stage.Latencies
	memory        memory
}

// memory is the peak memory of the processes, in bytes.
type memory struct {
	creator, worker, redis int64
}

func (t trial) run(ctx context.Context) (result, error) {
	list := filepath.Join(t.Dir, "list.csv")
	if err := writeList(list, t.recipients); err != nil {
		return result{}, err
	}
	empty, err := t.usedMemory(ctx, "used_memory")
	if err != nil {
		return result{}, err
	}
	w, err := t.newWay(ctx)
	if err != nil {
		return result{}, err
	}
	created, err := w.create(ctx, list)
	if err != nil {
		return result{}, fmt.Errorf("create: %w", err)
	}
	sent, err := t.dispatch(ctx, w, created.recipients)
	if err != nil {
		return result{}, err
	}
	peak, err := t.usedMemory(ctx, "used_memory_peak")
	if err != nil {
		return result{}, err
	}
	if err := w.check(ctx); err != nil {
		return result{}, err
	}
	return t.conclude(created, sent, peak-empty), t.Alive()
}

func (t trial) newWay(ctx context.Context) (way, error) {
	if t.way == wayAsynq {
		return newAsynqWay(ctx, t)
	}
	return newWecomqWay(ctx, t)
}

// conclude extrapolates incomplete measurements.
func (t trial) conclude(c creation, s sending, redis int64) result {
	r := result{
		way: t.way, words: t.words, recipients: t.recipients,
		storedPartly: c.recipients < t.recipients, reachedPartly: s.recipients < t.recipients,
		created: c.took, sent: s.took, calls: s.calls, redis: redis, latency: s.latency,
		memory: memory{creator: c.memory, redis: t.Redis.PeakMemory()},
	}
	for _, worker := range t.Workers {
		r.memory.worker = max(r.memory.worker, worker.PeakMemory())
	}
	stored, reached := float64(t.recipients)/float64(c.recipients), float64(t.recipients)/float64(s.recipients)
	r.created = time.Duration(float64(r.created) * stored)
	r.redis = int64(float64(r.redis) * stored)
	r.memory.redis = int64(float64(r.memory.redis) * stored)
	r.sent = time.Duration(float64(r.sent) * reached)
	r.calls = int64(math.Round(float64(r.calls) * reached))
	return r
}

// usedMemory reads one of Redis's memory figures, in bytes.
func (t trial) usedMemory(ctx context.Context, name string) (int64, error) {
	info, err := t.Redis.Client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	return int64(stage.InfoValue(info, name)), nil
}
