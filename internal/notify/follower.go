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
	// window is how long outcomes are gathered for one notification, mostTold how many it has
	// at most, and mostToldBytes how large they are together, but for the last one: many web
	// servers take no more than 1 MB.
	window        = time.Second
	mostTold      = 100
	mostToldBytes = 256 << 10
	// overlap is how far a process that takes over reaches back. It is told twice of what
	// ended in it, but of nothing never, although Redis may have failed over to a replica
	// whose clock is late.
	overlap = time.Second
	// GiveUpAfter is for how long a receiver is told of an outcome in vain.
	GiveUpAfter = 24 * time.Hour
	// firstRetry and lastRetry are the shortest and the longest time between two attempts.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// outageWait is the time between two looks at a Redis that is away.
	outageWait = time.Second
)

var errLeaseLost = errors.New("another process has the lease")

// follower tells one receiver, while this process has its lease.
type follower struct {
	to       Receiver
	lease    lease
	records  *ledger.Ledger
	client   *client
	on       func(app string, result Result, n int)
	log      zerolog.Logger
	complain bool // the next failure is worth a line in the log
}

// run tells the receiver until ctx ends.
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

// tell tells the receiver of what has ended since then, as long as the lease lasts.
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

// keepLease ends when the lease does.
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

// write tells the receiver, and notes how far it was told.
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
			continue // until it is noted, others would tell it again
		}
	}
	return context.Cause(ctx)
}

// gather waits for outcomes, and gives those of the window after the first that the receiver
// wants, and when the last one ended.
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

// deliver tells the receiver of a batch, until it has taken it or all of it is too old. It is
// false if the lease has ended before.
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
	f.log.Error().Int("outcomes", n.outcomes).Msg("outcomes were not told: their receiver has not taken them in time")
	return true
}

// tooOld reports whether the last outcome of a batch, which ended then, has been told of in vain for too long.
func (f *follower) tooOld(ctx context.Context, last time.Time) bool {
	now, err := f.records.Now(ctx)
	return err == nil && now.Sub(last) > GiveUpAfter
}

// failed counts an attempt in vain, and logs the first one.
func (f *follower) failed(err error) {
	f.on(f.to.App, Failed, 1)
	if f.complain {
		f.log.Warn().Err(err).Msg("the receiver of notifications has not taken one; it is tried again")
	}
	f.complain = false
}

func (f *follower) recovered() {
	if !f.complain {
		f.log.Info().Msg("the receiver of notifications takes them again")
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
