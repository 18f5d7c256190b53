package asynqx

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const (
	// A process checks each of its queues at most every lookPeriod, plus lookCost per queue: together that
	// costs Redis 20 commands a second. It finds tasks whose producer does not notify, such as plain asynq.
	lookPeriod, lookCost = time.Second, 50 * time.Millisecond
	// busyCost is the same for queues with tasks: 100 commands a second.
	busyCost = 10 * time.Millisecond
	// deafPeriod and deafCost are the same while there is no subscription.
	deafPeriod, deafCost = 100 * time.Millisecond, 2 * time.Millisecond
	// lookPause is the shortest time between two checks: those due within it are combined.
	lookPause = deafPeriod
	// looksTogether is how many queues are checked in one round trip.
	looksTogether = 100
	// silence is how long a subscription may be silent before it is pinged.
	silence = 30 * time.Second
)

// Bells wakes the idle asynq servers of a process, which do not poll: it subscribes to notifications of
// enqueues, on one connection, and checks the queues now and then. It also takes back the tasks of killed
// workers.
type Bells struct {
	// OnTakeBack, if set, is called when tasks of a dead worker are in their queue again.
	OnTakeBack func(queue string, tasks int)

	rdb  redis.UniversalClient
	note func(error)

	mu     sync.Mutex
	queues map[string]*bell
	busy   int  // queues with tasks
	hears  bool // the subscription is up
	added  chan struct{}
}

// bell is the bell of a queue.
type bell struct {
	servers  map[chan struct{}]struct{}
	seen     bool // it has been checked
	busy     bool // it had tasks
	nextLook time.Time
}

// NewBells returns the bells of a process, which are active during [Bells.Run]. note is called after each
// check, like that of [NewWorkerClient].
func NewBells(rdb redis.UniversalClient, note func(error)) *Bells {
	return &Bells{rdb: rdb, note: note, queues: map[string]*bell{}, added: make(chan struct{}, 1)}
}

// Run wakes servers until ctx ends.
func (b *Bells) Run(ctx context.Context) {
	var group errgroup.Group
	group.Go(func() error { b.listen(ctx); return nil })
	group.Go(func() error { b.look(ctx); return nil })
	group.Go(func() error { b.register(ctx); return nil })
	group.Go(func() error { b.takeOver(ctx); return nil })
	_ = group.Wait() // always nil
}

// hang registers a server for queues. remove undoes that.
func (b *Bells) hang(queues []string) (rung <-chan struct{}, remove func()) {
	server := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, queue := range queues {
		if b.queues[queue] == nil {
			b.queues[queue] = &bell{servers: map[chan struct{}]struct{}{}}
		}
		b.queues[queue].servers[server] = struct{}{}
	}
	signal(b.added)
	return server, func() { b.remove(queues, server) }
}

func (b *Bells) remove(queues []string, server chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, queue := range queues {
		delete(b.queues[queue].servers, server)
		if len(b.queues[queue].servers) == 0 {
			b.found(b.queues[queue], false)
			delete(b.queues, queue)
		}
	}
}

// isBusy reports whether a queue had tasks at the last check, or has not been checked yet.
func (b *Bells) isBusy(queue string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	bell := b.queues[queue]
	return bell != nil && (bell.busy || !bell.seen)
}

// busyQueues returns the queues that had tasks at the last check.
func (b *Bells) busyQueues() map[string]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := map[string]bool{}
	for queue, bell := range b.queues {
		if bell.busy {
			busy[queue] = true
		}
	}
	return busy
}

// ring wakes the servers of a queue. A busy server dequeues once more when it is done.
func (b *Bells) ring(queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bell := b.queues[queue]; bell != nil {
		for server := range bell.servers {
			signal(server)
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a signal is pending
	}
}

// listen receives notifications of enqueues.
func (b *Bells) listen(ctx context.Context) {
	for ctx.Err() == nil {
		b.hear(ctx)
		b.setHears(false)
		sleep(ctx, outageWait)
	}
}

// hear listens on one connection until it fails. go-redis would reconnect silently, and notifications missed
// meanwhile would go unnoticed.
func (b *Bells) hear(ctx context.Context) {
	sub := b.rdb.Subscribe(ctx, wakeChannel)
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	asked := false
	for {
		said, err := sub.ReceiveTimeout(ctx, silence)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && !asked {
			asked, err = true, sub.Ping(ctx, wakeChannel)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return
		}
		asked = false
		switch said := said.(type) {
		case *redis.Subscription:
			b.setHears(true)
		case *redis.Message:
			b.ring(said.Payload)
		default: // a pong
		}
	}
}

// setHears records whether the subscription is up. When that changes, notifications may have been missed: all
// queues are checked.
func (b *Bells) setHears(hears bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hears == hears {
		return
	}
	b.hears = hears
	for _, bell := range b.queues {
		bell.nextLook = time.Time{}
	}
	signal(b.added)
}

// register registers the queues for the dashboard, for all servers of the process.
func (b *Bells) register(ctx context.Context) {
	for ctx.Err() == nil {
		b.mu.Lock()
		queues := slices.Sorted(maps.Keys(b.queues))
		b.mu.Unlock()
		b.served(register(ctx, b.rdb, queues))
		sleep(ctx, presencePeriod)
	}
}

func (b *Bells) served(err error) { noteOutage(b.note, err) }

// look checks the queues when they are due.
func (b *Bells) look(ctx context.Context) {
	for ctx.Err() == nil {
		queues, wait := b.due(time.Now())
		if len(queues) == looksTogether {
			wait = 0
		}
		if len(queues) > 0 && !b.lookAt(ctx, queues) {
			wait = outageWait
		}
		select {
		case <-time.After(wait):
		case <-b.added:
		case <-ctx.Done():
		}
	}
}

// due returns the queues to check now, and the time until the next one.
func (b *Bells) due(now time.Time) (queues []string, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = time.Hour // until a bell is registered
	for queue, bell := range b.queues {
		if !bell.nextLook.After(now) && len(queues) < looksTogether {
			queues = append(queues, queue)
			bell.nextLook = now.Add(b.period(bell))
		}
		wait = min(wait, max(lookPause, bell.nextLook.Sub(now)))
	}
	return queues, wait
}

// period is the time between two checks of a queue. It is random, so that processes do not check at the same
// time.
func (b *Bells) period(bell *bell) time.Duration {
	all := len(b.queues)
	period := max(lookPeriod, time.Duration(all)*lookCost)
	switch {
	case !b.hears:
		period = max(deafPeriod, time.Duration(all)*deafCost)
	case bell.busy:
		period = max(lookPeriod, time.Duration(b.busy)*busyCost)
	}
	return period - rand.N(period/10) //nolint:gosec // no secret
}

// lookAt wakes the servers of the queues that have tasks.
func (b *Bells) lookAt(ctx context.Context, queues []string) bool {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	found := make([]*redis.IntCmd, len(queues))
	_, err := b.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, queue := range queues {
			found[i] = p.Exists(ctx, queueKey(queue, "pending"), queueKey(queue, "scheduled"), queueKey(queue, "retry"), queueKey(queue, "active"))
		}
		return nil
	})
	b.served(err)
	for i, queue := range queues {
		if found[i].Val() > 0 {
			b.ring(queue)
		}
		b.saw(queue, found[i].Val() > 0)
	}
	return !IsOutage(err)
}

// saw records whether a queue had tasks.
func (b *Bells) saw(queue string, something bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bell := b.queues[queue]; bell != nil {
		bell.seen = true
		b.found(bell, something)
	}
}

// found counts the busy queues. The caller holds the mutex.
func (b *Bells) found(bell *bell, busy bool) {
	if busy && !bell.busy {
		b.busy++
	}
	if !busy && bell.busy {
		b.busy--
	}
	bell.busy = busy
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
