package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// reading is the counters at a moment.
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
	r.commands = infoValue(info, "total_commands_processed")
	r.cpu = infoValue(info, "used_cpu_sys") + infoValue(info, "used_cpu_user")
	return r, nil
}

// infoValue finds a number in what INFO says; 0 when there is none.
func infoValue(info, name string) float64 {
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, name+":"); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return value
		}
	}
	return 0
}

// load is what Redis had to do.
type load struct {
	commands float64 // a second
	cpu      float64 // of one processor, 0 to 1
}

func (r reading) since(before reading) load {
	seconds := r.at.Sub(before.at).Seconds()
	return load{(r.commands - before.commands) / seconds, (r.cpu - before.cpu) / seconds}
}
