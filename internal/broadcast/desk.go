package broadcast

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Desk is where the broadcasts of an app are ordered and watched.
type Desk struct {
	*Store

	// Zone is that of the hours of an order.
	Zone *time.Location
	// ApprovalAbove is the number of recipients above which a broadcast needs approval;
	// 0 is never.
	ApprovalAbove int
	// Pace is what the app can do for a broadcast.
	Pace func(context.Context) (Pace, error)
	// Resolve keeps the files that a message names, for as long as it may wait; only Compile
	// needs it.
	Resolve func(context.Context, tasks.Message) (tasks.Message, error)
	// Keep keeps a file for an order; only the pages need it.
	Keep func(ctx context.Context, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error)
	// Enqueue sends a message of the app, and Record says where it stands; only Test needs
	// them.
	Enqueue func(context.Context, tasks.Message) (tasks.Receipt, error)
	Record  func(ctx context.Context, id string) (tasks.Record, error)
	// Recaller calls WeCom for the app; only Recall needs it.
	Recaller func() (Recaller, error)
}

// Compile reads and checks an order and its list, which is nil where the order names the
// recipients itself. The caller must close the list of the draft.
func (d *Desk) Compile(ctx context.Context, o *Order, list io.Reader, by string) (Draft, error) {
	spec, err := o.Spec(d.Zone, by)
	if err != nil {
		return Draft{}, err
	}
	if !o.DryRun {
		if spec.Template, err = d.KeepFiles(ctx, spec); err != nil {
			return Draft{}, err
		}
	}
	options, err := o.Options()
	if err == nil && o.TestTo != "" {
		err = checkTester(o.TestTo)
	}
	if err != nil {
		return Draft{}, err
	}
	recipients, err := o.list(list)
	if err != nil {
		return Draft{}, err
	}
	if recipients.lines != nil {
		options.Header, options.Encoding = compose.HeaderYes, ""
	}
	compiled, err := compose.Compile(ctx, recipients, spec.Template, options)
	if refused, ok := errors.AsType[*compose.ListError](err); ok {
		recipients.explain(refused.Problems, nil)
	}
	if err != nil {
		return Draft{}, err
	}
	recipients.explain(compiled.Summary.Problems, compiled.Summary.DuplicateExamples)
	spec.NeedsApproval = spec.NeedsApproval || d.MustBeApproved(compiled.Summary.Recipients)
	return Draft{Spec: spec, List: compiled, Key: o.IdempotencyKey, KeyOwner: by}, nil
}

// KeepFiles is the template with what stands for its files, which all calls share. They are
// kept for as long as the broadcast may wait.
func (d *Desk) KeepFiles(ctx context.Context, spec Spec) (*compose.Template, error) {
	return spec.Template.Map(func(request message.Request) (message.Request, error) {
		m, err := d.Resolve(ctx, tasks.Message{Request: request, Options: tasks.Options{At: spec.At}})
		if _, invalid := errors.AsType[*message.ValidationError](err); invalid {
			err = within("message", err)
		}
		return m.Request, err
	})
}

// MustBeApproved reports whether a broadcast to so many recipients needs approval,
// whoever creates it.
func (d *Desk) MustBeApproved(recipients int) bool {
	return d.ApprovalAbove > 0 && recipients > d.ApprovalAbove
}

// Tell is the status of a broadcast, with its expected end, and while it waits for approval
// with what there is to review.
func (d *Desk) Tell(ctx context.Context, b *Broadcast) (Status, error) {
	pace, err := d.Pace(ctx)
	if err != nil {
		return Status{}, err
	}
	status := b.Status(time.Now(), pace)
	if b.State == AwaitingApproval {
		samples, err := d.Samples(ctx, b)
		if err != nil {
			return Status{}, err
		}
		status.Review = &Review{Samples: samples, Quota: pace.quotaFor(b.Recipients)}
	}
	return status, nil
}

// Statuses are those of the newest broadcasts, newest first. With a recipient they are those
// that have this one, of the newest 20, and say what became of them.
func (d *Desk) Statuses(ctx context.Context, limit int, recipient string) ([]Status, error) {
	all, err := d.newestWith(ctx, limit, recipient)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	pace, err := d.Pace(ctx)
	if err != nil {
		return nil, err
	}
	statuses := make([]Status, len(all))
	for i, f := range all {
		statuses[i] = f.Broadcast.Status(time.Now(), pace)
		if recipient != "" {
			statuses[i].Found = &f.Row
		}
	}
	return statuses, nil
}

func (d *Desk) newestWith(ctx context.Context, limit int, recipient string) ([]Found, error) {
	if recipient != "" {
		found, err := d.FindRecipient(ctx, recipient)
		return found[:min(len(found), max(limit, 0))], err
	}
	all, err := d.List(ctx, limit)
	found := make([]Found, len(all))
	for i, b := range all {
		found[i].Broadcast = b
	}
	return found, err
}

// Review is what somebody should see before they approve a broadcast, beside its status.
type Review struct {
	Samples []Sample `json:"samples" doc:"What three recipients get"`

	Quota
}

// Quota is what a broadcast takes of the app's day quota.
type Quota struct {
	// QuotaCost is how much of the day quota it takes; DayQuota is what the app has for
	// bulk messages, -1 for no limit, and UsedToday what it has used.
	QuotaCost int `json:"quota_cost" doc:"How much of a day quota it takes"`
	DayQuota  int `json:"day_quota" doc:"What the app may send of bulk messages a day; -1 for no limit"`
	UsedToday int `json:"used_today" doc:"What it has sent today, in China"`
}

// Preview is what there is to know of a broadcast before it is created.
type Preview struct {
	ID    string `json:"id"` // that it will have
	App   string `json:"app"`
	State State  `json:"state"` // that it will have first
	compose.Summary

	Samples []Sample `json:"samples"` // what three recipients get
	Quota

	ETA time.Time `json:"eta,omitzero"`
}

// Preview shows what a draft would become. It stores nothing.
func (d *Desk) Preview(ctx context.Context, draft Draft) (Preview, error) {
	pace, err := d.Pace(ctx)
	if err != nil {
		return Preview{}, err
	}
	planned, err := draft.Planned(d.app)
	if err != nil {
		return Preview{}, err
	}
	list := draft.List.Summary
	samples, err := renderSamples(draft.Spec.Template, list.Samples)
	return Preview{
		ID: planned.ID, App: d.app, State: draft.Spec.first(), Summary: list, Samples: samples,
		Quota: pace.quotaFor(list.Recipients), ETA: planned.ETA(time.Now(), pace).Truncate(time.Second),
	}, err
}
