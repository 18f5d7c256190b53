package main

import (
	"context"

	"golang.org/x/time/rate"
)

// newDenial is the gate of asynq's page about rate limits: each process has a
// limiter and its share of the limit, and refuses what is over it. A minute of the
// share is what the limiter lets through in a minute and one more, so that all
// processes together stay within the limit.
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
