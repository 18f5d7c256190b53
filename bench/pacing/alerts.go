package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// errOver ends the measured time.
var errOver = errors.New("the measured time is over")

// alerts are when those to each member were enqueued.
type alerts map[string]time.Time

// enqueue sends an alert at random moments until ctx ends, the time between two of
// them drawn evenly from 0 to twice the average.
func (a alerts) enqueue(ctx context.Context, p *producer.Producer, average time.Duration) error {
	for {
		gap := rand.N(2 * average) //nolint:gosec // no secret
		if err := stage.Wait(ctx, gap); errors.Is(err, errOver) {
			return nil
		} else if err != nil {
			return err
		}
		user := fmt.Sprintf("alert-%d", len(a))
		a[user] = time.Now()
		// The end of the measured time does not cut it off.
		_, err := p.Send(context.WithoutCancel(ctx), text(user), producer.Options{Priority: tasks.Critical})
		if err != nil {
			return fmt.Errorf("enqueue an alert: %w", err)
		}
	}
}

// latencies are the times from enqueueing to arrival, shortest first; given is the
// number of all alerts, those included that have not arrived.
type latencies struct {
	arrived []time.Duration
	given   int
}

func (a alerts) latencies(arrivedAt map[string]time.Time) latencies {
	l := latencies{given: len(a)}
	for user, enqueued := range a {
		if at, ok := arrivedAt[user]; ok {
			l.arrived = append(l.arrived, at.Sub(enqueued))
		}
	}
	slices.Sort(l.arrived)
	return l
}

func (l latencies) missing() int { return l.given - len(l.arrived) }

// percentile is the time within which this share of all alerts arrived, false when
// that many did not.
func (l latencies) percentile(share float64) (time.Duration, bool) {
	i := int(share * float64(l.given))
	if i >= len(l.arrived) {
		return 0, false
	}
	return l.arrived[i], true
}
