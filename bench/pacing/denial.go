package main

import (
	"context"

	"golang.org/x/time/rate"
)

// newDenial is the gate on asynq's page about rate limits: each process has a limiter with its share of the
// limit, and refuses everything above it. In a minute a limiter lets through one call more than its rate; that
// counts towards the share, so that all processes together stay within the limit.
func newDenial(limit, workers int) gate {
	const burst = 1
	share := max(1, float64(limit)/float64(workers)-burst)
	limiter := rate.NewLimiter(rate.Limit(share/60), burst)
	return func(context.Context) error {
		if !limiter.Allow() {
			return errOverLimit
		}
		return nil
	}
}
