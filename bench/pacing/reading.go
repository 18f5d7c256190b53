package main

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/bench/stage"
)

// reading has the counters at one time.
type reading struct {
	at       time.Time
	dequeues float64
	commands float64 // that Redis has run, those inside scripts included
	cpu      float64 // seconds that Redis has used
}

func takeReading(ctx context.Context, rdb redis.UniversalClient, fleet []*worker) (reading, error) {
	r := reading{at: time.Now()}
	for _, w := range fleet {
		n, err := w.dequeues(ctx)
		if err != nil {
			return reading{}, err
		}
		r.dequeues += n
	}
	info, err := rdb.Info(ctx, "stats", "cpu").Result()
	if err != nil {
		return reading{}, fmt.Errorf("ask Redis for its counters: %w", err)
	}
	r.commands = stage.InfoValue(info, "total_commands_processed")
	r.cpu = stage.InfoValue(info, "used_cpu_sys") + stage.InfoValue(info, "used_cpu_user")
	return r, nil
}

// load is the load of Redis.
type load struct {
	commands float64 // a second
	cpu      float64 // of one processor, 0 to 1
}

func (r reading) since(before reading) load {
	seconds := r.at.Sub(before.at).Seconds()
	return load{(r.commands - before.commands) / seconds, (r.cpu - before.cpu) / seconds}
}
