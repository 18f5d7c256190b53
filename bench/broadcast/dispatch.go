package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/bench/stage"
)

// sending is the result of sending: how much was sent, and how fast.
type sending struct {
	recipients int
	calls      int64
	ended      time.Time
	took       time.Duration
	latency    stage.Latencies
}

const (
	pollInterval = 50 * time.Millisecond
	// grace is how long alerts may take that have not arrived at the end.
	grace = 20 * time.Second
)

// dispatch sends what was created to this number of recipients, and enqueues alerts meanwhile.
func (t trial) dispatch(ctx context.Context, w way, recipients int) (sending, error) {
	watching, giveUp := context.WithCancel(ctx)
	defer giveUp()
	given, watched := stage.Alerts{}, newWatch(t.Simulator)
	began := time.Now()
	limit, err := w.send(ctx)
	if err != nil {
		return sending{}, err
	}
	group, running := errgroup.WithContext(ctx)
	alerting, stop := context.WithCancelCause(running)
	defer stop(nil)
	stopAlerts := func() { stop(stage.ErrOver) }
	group.Go(func() error {
		return given.Enqueue(alerting, t.alertEvery, func(ctx context.Context, user string) error {
			watched.follow(watching, user)
			return w.alert(ctx, user)
		})
	})
	var s sending
	group.Go(func() error {
		defer stopAlerts()
		var err error
		s, err = t.awaitEnd(running, began.Add(limit), recipients, watched, stopAlerts)
		s.took = s.ended.Sub(began)
		return err
	})
	if err := group.Wait(); err != nil {
		return sending{}, err
	}
	defer time.AfterFunc(grace, giveUp).Stop()
	arrived, err := watched.end()
	s.latency = given.Latencies(arrived)
	return s, err
}

// awaitEnd waits until all recipients were reached, or the time is over. It stops the alerts when all seem to be
// reached, and checks again after the alerts have arrived.
func (t trial) awaitEnd(ctx context.Context, limit time.Time, recipients int, watched *watch, stop func()) (sending, error) {
	for {
		if err := t.Alive(); err != nil {
			return sending{}, err
		}
		stats, err := t.Simulator.Stats(ctx)
		if err != nil {
			return sending{}, err
		}
		given, arrived := watched.counts()
		reached, calls := int(stats.Delivered), stats.APIs["message/send"].Codes[0]
		switch {
		case reached >= recipients+given:
			last, err := t.lastArrival(ctx, calls)
			return sending{recipients: recipients, calls: calls - int64(given), ended: last}, err
		case time.Now().After(limit) && reached <= arrived:
			return sending{}, errors.New("nobody was reached in the time")
		case time.Now().After(limit):
			return sending{recipients: reached - arrived, calls: calls - int64(arrived), ended: time.Now()}, nil
		case reached >= recipients+arrived:
			stop()
		}
		if err := stage.Wait(ctx, pollInterval); err != nil {
			return sending{}, err
		}
	}
}

// lastArrival is when the last message other than an alert arrived, of this number in all.
func (t trial) lastArrival(ctx context.Context, messages int64) (time.Time, error) {
	const newest = 200
	found, err := t.Simulator.Messages(ctx, fmt.Sprintf("since=%d", max(messages-newest, 0)))
	if err != nil {
		return time.Time{}, err
	}
	for _, m := range slices.Backward(found) {
		if len(m.To) > 0 && !strings.HasPrefix(m.To[0], "alert-") {
			return m.At, nil
		}
	}
	return time.Time{}, fmt.Errorf("the newest %d messages are alerts", newest)
}
