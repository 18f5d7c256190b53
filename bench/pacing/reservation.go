package main

import (
	"context"
	_ "embed"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/bench/stage"
)

var (
	//go:embed reserve.lua
	reserveSource string

	reserveScript = redis.NewScript(reserveSource)
)

// newReservation is a gate that all processes share: it assigns each message the next free time, evenly spaced,
// and waits for it.
func newReservation(rdb redis.UniversalClient, limit int) gate {
	const jitter = 250 * time.Millisecond // between the calls of two processes
	interval := (time.Minute + jitter) / time.Duration(limit)
	return func(ctx context.Context) error {
		us, err := reserveScript.Run(ctx, rdb, []string{"reserved"}, interval.Microseconds()).Int64()
		if err != nil {
			return err
		}
		return stage.Wait(ctx, time.Duration(us)*time.Microsecond)
	}
}
