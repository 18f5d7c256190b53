package daemon

import (
	"context"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// budgetOf is the budget of the token of a request; nil if the token has no counted limits, or without a
// token, as in a command.
func (d *Deployment) budgetOf(ctx context.Context) *budget.Budget {
	identity := gateway.IdentityFrom(ctx)
	if identity == nil || !identity.Token.Limits.Counted() {
		return nil
	}
	own := budget.New(d.rdb, identity.Name(), identity.Token.Limits)
	if d.metrics != nil {
		own.OnSpent = func(limit string) { d.metrics.TokenRefused(identity.Name(), limit) }
	}
	return own
}

// send enqueues messages, as far as the budget of the request's token allows.
func (d *Deployment) send(ctx context.Context, p *producer.Producer, messages []tasks.Message) []tasks.Result {
	if own := d.budgetOf(ctx); own != nil {
		p = p.Within(own)
	}
	results := p.SendBatch(ctx, messages)
	sent := 0
	for i := range results {
		results[i].Err = enqueueFault(results[i].Err)
		if results[i].Err == nil && !results[i].Receipt.Duplicate {
			sent++
		}
	}
	d.countSent(ctx, sent)
	return results
}

func (d *Deployment) countSent(ctx context.Context, messages int) {
	if identity := gateway.IdentityFrom(ctx); identity != nil && !identity.Person() && d.metrics != nil {
		d.metrics.TokenSent(identity.Name(), messages)
	}
}

// reserve charges one message, and undo refunds it.
func (d *Deployment) reserve(ctx context.Context, recipients int) (undo func(), err error) {
	own := d.budgetOf(ctx)
	if own == nil {
		return func() {}, nil
	}
	giveBack, refused := own.Take(ctx, []int{recipients})
	return func() { giveBack(context.WithoutCancel(ctx), []int{recipients}) }, enqueueFault(refused[0])
}

// reserveBroadcast charges a broadcast, if its token is allowed to start it.
func (d *Deployment) reserveBroadcast(ctx context.Context, recipients int) (undo func(), err error) {
	if identity := gateway.IdentityFrom(ctx); identity != nil {
		if err := identity.PermitBroadcast(recipients); err != nil {
			return nil, err
		}
	}
	if undo, err = d.reserve(ctx, recipients); err == nil {
		d.countSent(ctx, 1)
	}
	return undo, err
}
