package asynqx

import (
	"context"
	_ "embed"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// A killed worker leaves active tasks behind. asynq recovers them once their leases of 30 s have been expired
// for another 30 s, and checks once a minute: after 55 to 120 s. A living worker renews its leases every 5 s,
// so dead ones can be detected sooner: after 15 s at most.
//
// A worker that is stopped or cut off for that long loses its tasks, too. Nothing is sent twice because of
// that: the record of a message admits one attempt at a time.
const (
	// orphanAge is the time since the last renewal after which a task may be orphaned.
	orphanAge = 5 * time.Second
	// orphanWatch is how long such a lease is watched: longer than the interval between two heartbeats,
	// because no lease can be renewed while Redis is unavailable.
	orphanWatch = 6 * time.Second
	// A process checks each queue with tasks every orphanPeriod, plus orphanCost per queue: together that
	// costs 50 commands a second.
	orphanPeriod, orphanCost = 1500 * time.Millisecond, 20 * time.Millisecond
	// orphanPage is how many tasks one script examines, in less than a millisecond.
	orphanPage = 100
)

var (
	//go:embed orphans.lua
	orphansSource string
	//go:embed take_back.lua
	takeBackSource string

	orphansScript  = redis.NewScript(orphansSource)
	takeBackScript = redis.NewScript(wakeSource + putBackSource + takeBackSource)
)

// orphan is a task that may be orphaned, with the end of its lease; "" if it has none.
type orphan struct{ id, leaseEnd string }

// orphanage records since when each orphan of a queue has been seen.
type orphanage map[orphan]time.Time

// due records the current orphans, and returns those watched for long enough. A renewed lease would have a
// later end.
func (o orphanage) due(found []orphan, now time.Time) (due []orphan) {
	there := make(map[orphan]bool, len(found))
	for _, f := range found {
		there[f] = true
		if _, seen := o[f]; !seen {
			o[f] = now
		}
		if now.Sub(o[f]) >= orphanWatch {
			due = append(due, f)
		}
	}
	for f := range o {
		if !there[f] {
			delete(o, f)
		}
	}
	return due
}

// takeOver periodically puts orphaned tasks back into their queues.
func (b *Bells) takeOver(ctx context.Context) {
	watched := map[string]orphanage{}
	for ctx.Err() == nil {
		queues := b.busyQueues()
		for queue := range watched {
			if !queues[queue] {
				delete(watched, queue)
			}
		}
		for queue := range queues {
			if watched[queue] == nil {
				watched[queue] = orphanage{}
			}
			b.served(b.takeOverIn(ctx, queue, watched[queue]))
		}
		period := max(orphanPeriod, time.Duration(len(queues))*orphanCost)
		sleep(ctx, period-rand.N(period/10)) //nolint:gosec // no secret
	}
}

func (b *Bells) takeOverIn(ctx context.Context, queue string, watched orphanage) error {
	found, err := findOrphans(ctx, b.rdb, queue)
	if err != nil { // no lease could be renewed meanwhile
		clear(watched)
		return err
	}
	due := watched.due(found, time.Now())
	if len(due) == 0 {
		return nil
	}
	taken, err := takeBack(ctx, b.rdb, queue, due)
	if taken > 0 && b.OnTakeBack != nil {
		b.OnTakeBack(queue, taken)
	}
	return err
}

func findOrphans(ctx context.Context, rdb redis.UniversalClient, queue string) (found []orphan, err error) {
	for more, skip := true, 0; more; skip += orphanPage {
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		texts, err := orphansScript.Run(ctx, rdb, []string{queueKey(queue, "lease"), queueKey(queue, "active")},
			int(leaseLength.Seconds()), int(orphanAge.Seconds()), skip, orphanPage).StringSlice()
		cancel()
		if err != nil {
			return nil, err
		}
		more = texts[0] == "1"
		for i := 1; i+1 < len(texts); i += 2 {
			found = append(found, orphan{texts[i], texts[i+1]})
		}
	}
	return found, nil
}

// takeBack returns how many of the tasks were put back.
func takeBack(ctx context.Context, rdb redis.UniversalClient, queue string, orphans []orphan) (taken int, err error) {
	names := []string{queueKey(queue, "lease"), queueKey(queue, "active"), queueKey(queue, "pending")}
	for page := range slices.Chunk(orphans, orphanPage) {
		args := []any{queueKey(queue, "t:")}
		for _, o := range page {
			args = append(args, o.id, o.leaseEnd)
		}
		ctx, cancel := context.WithTimeout(ctx, ackTimeout)
		some, err := takeBackScript.Run(ctx, rdb, names, args...).Int()
		cancel()
		if err != nil {
			return taken, err
		}
		taken += some
	}
	return taken, nil
}
