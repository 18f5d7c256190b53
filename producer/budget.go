package producer

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/internal/asynqx"
)

// Budget limits the messages of one sender.
type Budget interface {
	// Take reserves room for messages to these numbers of recipients, and returns an error for each that does not fit.
	// giveBack returns the reservation of some of them.
	Take(ctx context.Context, recipients []int) (giveBack func(context.Context, []int), refused []error)
}

// Within returns a producer whose messages are charged to a budget; those that do not fit are not enqueued.
// Repeats, and messages that are not enqueued, are not charged. It costs one round trip for up to a thousand
// messages, and a second one if some are refused or repeated.
func (p *Producer) Within(budget Budget) *Producer {
	within := *p
	within.budget = budget
	return &within
}

// spend charges the drafts to the budget. settle refunds those that turn out to be repeats, or are not
// enqueued.
//
// Whether a draft is a repeat is only known when it is enqueued: the first message may itself have been
// refused. So a draft that does not fit passes if it is in the queue already.
func (b *batch) spend(ctx context.Context) (settle func(context.Context)) {
	if b.producer.budget == nil {
		return func(context.Context) {}
	}
	spenders := chosen(b.drafts, (*draft).open)
	if len(spenders) == 0 {
		return func(context.Context) {}
	}
	giveBack, refused := b.producer.budget.Take(ctx, recipientsOf(spenders))
	for i, d := range spenders {
		d.result.Err = refused[i]
	}
	paid := chosen(spenders, (*draft).open)
	b.pass(ctx, chosen(spenders, func(d *draft) bool {
		_, away := errors.AsType[*RedisError](d.result.Err)
		return !d.open() && !away
	}))
	return func(ctx context.Context) {
		unspent := chosen(paid, func(d *draft) bool { return d.second || d.settled == 0 && isRefusal(d.result.Err) })
		if len(unspent) > 0 {
			giveBack(context.WithoutCancel(ctx), recipientsOf(unspent))
		}
	}
}

// pass admits the refused drafts that are in the queue already.
func (b *batch) pass(ctx context.Context, refused []*draft) {
	refs := make([]asynqx.TaskRef, len(refused))
	for i, d := range refused {
		refs[i] = asynqx.TaskRef{Queue: d.place.queue(b.producer.app), ID: d.place.id}
	}
	placed, err := asynqx.Places(ctx, b.producer.rdb, refs, false)
	if err != nil {
		return // all remain refused
	}
	for i, d := range refused {
		if placed[i].Place == asynqx.Queued {
			d.result.Err = nil
		}
	}
}

func recipientsOf(drafts []*draft) []int {
	all := make([]int, len(drafts))
	for i, d := range drafts {
		all[i] = d.recipients
	}
	return all
}
