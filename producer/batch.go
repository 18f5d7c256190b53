package producer

import (
	"context"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
)

// batch collects the messages of one round trip.
type batch struct {
	producer *Producer
	now      time.Time
	drafts   []*draft
	calls    int // calls to WeCom that the drafts need
}

func (p *Producer) newBatch(now time.Time, messages int) *batch {
	return &batch{producer: p, now: now, drafts: make([]*draft, 0, min(messages, batchTasks))}
}

func (b *batch) add(d *draft) {
	b.drafts = append(b.drafts, d)
	b.calls += len(d.bodies)
}

func (b *batch) full() bool { return b.calls >= batchTasks }

// send flushes the batch while the caller prepares the next one. wait also passes on a panic.
func (b *batch) send(ctx context.Context) (wait func()) {
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		b.flush(ctx)
	}()
	return func() {
		if problem := <-ended; problem != nil {
			panic(problem) //nolint:forbidigo // it is the panic of flush
		}
	}
}

// flush settles the claims, enqueues the messages that need it, and writes the receipt of each.
func (b *batch) flush(ctx context.Context) {
	if len(b.drafts) == 0 {
		return
	}
	c := &claims{rdb: b.producer.rdb, app: b.producer.app, recordTTL: b.producer.recordTTL, now: b.now}
	c.settle(ctx, b.drafts)
	settle := b.spend(ctx)
	b.enqueue(ctx)
	for _, d := range b.drafts {
		d.conclude(b.producer.app, b.now)
	}
	settle(ctx)
	c.release(ctx, b.drafts)
}

func (b *batch) enqueue(ctx context.Context) {
	made := make([]asynqx.Task, 0, b.calls)
	owners := make([]*draft, 0, b.calls) // owners[i] is the message that made[i] belongs to
	for _, d := range b.drafts {
		if d.result.Err != nil {
			continue
		}
		for _, task := range d.tasks(b.producer, b.now) {
			made = append(made, task)
			owners = append(owners, d)
		}
	}
	for chunk := range slices.Chunk(made, batchTasks) {
		for i, result := range asynqx.BulkEnqueue(ctx, b.producer.rdb, b.now, chunk) {
			owners[i].receive(result.Err)
		}
		owners = owners[len(chunk):]
	}
}
