package daemon

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/wecomq/wecomq/internal/fields"
)

// auditPoll is how often a process checks whether an audit is due.
const auditPoll = time.Minute

// auditing runs the periodic audits, of which one process at a time makes each.
type auditing struct{ deployment atomic.Pointer[Deployment] }

func newAuditing(d *Deployment) *auditing {
	a := &auditing{}
	a.deployment.Store(d)
	return a
}

// prepare implements [reloadable].
func (a *auditing) prepare(next *Deployment) (apply func(), err error) {
	return func() { a.deployment.Store(next) }, nil
}

func (a *auditing) run(ctx context.Context) {
	for {
		select {
		case <-time.After(auditPoll + rand.N(auditPoll/4)): //nolint:gosec // no secret; not all processes at once
		case <-ctx.Done():
			return
		}
		a.deployment.Load().AuditWhenDue(ctx)
	}
}

// AuditWhenDue audits the apps that are due, and logs inconsistencies.
func (d *Deployment) AuditWhenDue(ctx context.Context) {
	log := d.log.With().Str(fields.Component, "audit").Logger()
	results, err := d.Auditor(d.Apps()...).Round(ctx)
	if err != nil && ctx.Err() == nil {
		log.Warn().Err(err).Msg("the audit failed")
	}
	for _, result := range results {
		for _, f := range result.Findings {
			log.Error().Str(fields.App, f.App).Str(fields.MessageID, f.ID).Int("imbalance", result.Imbalance).
				Msg("inconsistent: " + f.Text + "; see 'wecomq audit'")
		}
	}
}
