package stage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// ErrOver as the cause of a context ends the time in which alerts are enqueued.
var ErrOver = errors.New("the measured time is over")

// Alerts has the time at which each member's alert was enqueued.
type Alerts map[string]time.Time

// Enqueue sends alerts at random times until ctx ends, with intervals distributed evenly between 0 and twice the
// average.
func (a Alerts) Enqueue(ctx context.Context, average time.Duration, send func(ctx context.Context, user string) error) error {
	for {
		gap := rand.N(2 * average) //nolint:gosec // no secret
		if err := Wait(ctx, gap); errors.Is(err, ErrOver) {
			return nil
		} else if err != nil {
			return err
		}
		user := fmt.Sprintf("alert-%d", len(a))
		a[user] = time.Now()
		// The end of the measured time does not interrupt it.
		if err := send(context.WithoutCancel(ctx), user); err != nil {
			return fmt.Errorf("enqueue an alert: %w", err)
		}
	}
}

// Latencies has the times from enqueueing to arrival, shortest first; Given is the number of all alerts,
// including those that have not arrived.
type Latencies struct {
	Arrived []time.Duration
	Given   int
}

// Latencies compares the times of enqueueing and arrival.
func (a Alerts) Latencies(arrivedAt map[string]time.Time) Latencies {
	l := Latencies{Given: len(a)}
	for user, enqueued := range a {
		if at, ok := arrivedAt[user]; ok {
			l.Arrived = append(l.Arrived, at.Sub(enqueued))
		}
	}
	slices.Sort(l.Arrived)
	return l
}

// Missing is how many have not arrived.
func (l Latencies) Missing() int { return l.Given - len(l.Arrived) }

// Percentile is the time within which this share of all alerts arrived, false if fewer did.
func (l Latencies) Percentile(share float64) (time.Duration, bool) {
	i := int(share * float64(l.Given))
	if i >= len(l.Arrived) {
		return 0, false
	}
	return l.Arrived[i], true
}

// Text formats that percentile, as "> grace" if too few have arrived, "–" if there were no alerts.
func (l Latencies) Text(share float64, grace time.Duration) string {
	d, ok := l.Percentile(share)
	switch {
	case l.Given == 0:
		return "–"
	case !ok:
		return "> " + grace.String()
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}
