package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// leasePoll is how often a process asks for the lease, or renews it.
	leasePoll = leaseTTL / 3
	// window is how long outcomes are collected for one notification, mostTold their maximum number, and
	// mostToldBytes their maximum size, not counting the last one: many web servers accept no more than 1 MB.
	window        = time.Second
	mostTold      = 100
	mostToldBytes = 256 << 10
	// overlap is how far a process that takes over goes back. Outcomes in it are notified twice, but none is missed,
	// even if Redis has failed over to a replica whose clock is behind.
	overlap = time.Second
	// GiveUpAfter is how long failed notifications of an outcome are repeated.
	GiveUpAfter = 24 * time.Hour
	// firstRetry and lastRetry are the shortest and the longest time between two attempts.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// outageWait is the time between two attempts to reach an unavailable Redis.
	outageWait = time.Second
)

var errLeaseLost = errors.New("another process has the lease")

// follower notifies one receiver, while this process has its lease.
type follower struct {
	to       Receiver
	lease    lease
	records  *ledger.Ledger
	client   *client
	on       func(app string, result Result, n int)
	log      zerolog.Logger
	complain bool // log the next failure
}

// run notifies the receiver until ctx ends.
func (f *follower) run(ctx context.Context) {
	defer f.client.close()
	for {
		if since, mine, err := f.takeLease(ctx); err == nil && mine {
			f.tell(ctx, since)
		}
		if !sleep(ctx, leasePoll+rand.N(leasePoll/4)) { //nolint:gosec // no secret; not all processes at once
			return
		}
	}
}

func (f *follower) takeLease(ctx context.Context) (place time.Time, mine bool, err error) {
	now, err := f.records.Now(ctx)
	if err != nil {
		return now, false, err
	}
	return f.lease.take(ctx, now)
}

// tell notifies the receiver of outcomes since then, as long as the lease lasts.
func (f *follower) tell(ctx context.Context, since time.Time) {
	group, leased := errgroup.WithContext(ctx)
	ended := make(chan tasks.Record, mostTold)
	group.Go(func() error { return f.keepLease(leased) })
	group.Go(func() error { return f.read(leased, since.Add(-overlap), ended) })
	group.Go(func() error { return f.write(leased, ended) })
	if err := group.Wait(); !errors.Is(err, errLeaseLost) {
		f.lease.end(context.WithoutCancel(ctx))
	}
}

// keepLease renews the lease, and returns when it is lost.
func (f *follower) keepLease(ctx context.Context) error {
	kept := time.Now()
	for sleep(ctx, leasePoll) {
		_, mine, err := f.takeLease(ctx)
		switch {
		case err == nil && !mine, time.Since(kept) > leaseTTL:
			return errLeaseLost
		case err == nil:
			kept = time.Now()
		}
	}
	return context.Cause(ctx)
}

// read passes on the records of messages that end, through outages of Redis.
func (f *follower) read(ctx context.Context, since time.Time, ended chan<- tasks.Record) error {
	for record, err := range f.records.Tail(ctx, ledger.Query{Since: since}) {
		if err != nil {
			sleep(ctx, outageWait)
			continue
		}
		select {
		case ended <- record:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// write notifies the receiver, and stores the position.
func (f *follower) write(ctx context.Context, ended <-chan tasks.Record) error {
	for ctx.Err() == nil {
		told, place := f.gather(ctx, ended)
		if ctx.Err() != nil {
			break
		}
		if len(told.records) > 0 && !f.deliver(ctx, told) {
			break
		}
		for f.lease.told(ctx, place) != nil && sleep(ctx, outageWait) {
			continue // without the stored position, others would notify it again
		}
	}
	return context.Cause(ctx)
}

// gather waits for outcomes, and returns those within the window after the first that the receiver wants, and
// when the last one ended.
func (f *follower) gather(ctx context.Context, ended <-chan tasks.Record) (b batch, place time.Time) {
	var over <-chan time.Time
	for len(b.records) < mostTold && b.size < mostToldBytes {
		select {
		case record := <-ended:
			place = record.FinishedAt
			if f.to.wants(record) {
				if err := b.add(record); err != nil {
					f.log.Error().Err(err).Msg("an outcome is lost")
				}
			}
			if over == nil {
				over = time.After(window)
			}
		case <-over:
			return b, place
		case <-ctx.Done():
			return batch{}, place
		}
	}
	return b, place
}

// deliver notifies the receiver of a batch, until it accepts the batch or all of it is too old. It is false if
// the lease ended before.
func (f *follower) deliver(ctx context.Context, b batch) bool {
	n, err := newNotification(f.to.App, b)
	if err != nil {
		f.log.Error().Err(err).Msg("a notification is lost")
		return true
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstRetry, lastRetry
	for !f.tooOld(ctx, b.last) {
		err := f.client.post(ctx, n)
		if err == nil {
			f.on(f.to.App, Delivered, n.outcomes)
			f.recovered()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		f.failed(err)
		if !sleep(ctx, pauses.NextBackOff()) {
			return false
		}
	}
	f.on(f.to.App, GivenUp, n.outcomes)
	f.log.Error().Int("outcomes", n.outcomes).Msg("outcomes were not delivered: the receiver did not accept them in time")
	return true
}

// tooOld reports whether notifications of a batch, whose last outcome is of this time, have failed for too long.
func (f *follower) tooOld(ctx context.Context, last time.Time) bool {
	now, err := f.records.Now(ctx)
	return err == nil && now.Sub(last) > GiveUpAfter
}

// failed counts a failed attempt, and logs the first one.
func (f *follower) failed(err error) {
	f.on(f.to.App, Failed, 1)
	if f.complain {
		f.log.Warn().Err(err).Msg("the receiver of notifications did not accept one; it will be retried")
	}
	f.complain = false
}

func (f *follower) recovered() {
	if !f.complain {
		f.log.Info().Msg("the receiver of notifications accepts them again")
	}
	f.complain = true
}

// sleep waits, and is false if ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
