package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/bench/stage"
)

// reading has Redis's counters at one time.
type reading struct {
	cpu      float64 // seconds
	commands float64 // that were run, those inside scripts included
	calls    float64 // scripts that were called
}

func (t *trial) readRedis(ctx context.Context) (reading, error) {
	info, err := t.redis.Client.Info(ctx, "stats", "cpu", "commandstats").Result()
	if err != nil {
		return reading{}, fmt.Errorf("ask Redis for its counters: %w", err)
	}
	r := reading{
		cpu:      stage.InfoValue(info, "used_cpu_sys") + stage.InfoValue(info, "used_cpu_user"),
		commands: stage.InfoValue(info, "total_commands_processed"),
	}
	for _, name := range []string{"eval", "evalsha"} {
		r.calls += stage.InfoValue(strings.ReplaceAll(strings.ReplaceAll(info, ":calls=", ":"), ",usec", "\r\n,usec"), "cmdstat_"+name)
	}
	return r, nil
}
