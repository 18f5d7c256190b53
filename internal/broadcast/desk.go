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

// Desk creates and shows the broadcasts of an app.
type Desk struct {
	*Store

	// Zone is the time zone of an order's hours.
	Zone *time.Location
	// ApprovalAbove is the number of recipients above which a broadcast needs approval; 0 for never.
	ApprovalAbove int
	// Pace returns the app's current capacity.
	Pace func(context.Context) (Pace, error)
	// Resolve stores the files that a message names, for as long as it may wait; only Compile needs it.
	Resolve func(context.Context, tasks.Message) (tasks.Message, error)
	// Keep stores a file for an order; only the pages need it.
	Keep func(ctx context.Context, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error)
	// Enqueue sends a message of the app, and Record looks it up; only Test needs them.
	Enqueue func(context.Context, tasks.Message) (tasks.Receipt, error)
	Record  func(ctx context.Context, id string) (tasks.Record, error)
	// Recaller returns the app's client of WeCom; only Recall needs it.
	Recaller func() (Recaller, error)
}

// Compile reads and checks an order and its list, which is nil if the order has the recipients itself. The
// caller must close the list of the draft.
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
	if len(o.Recipients) > 0 {
		options.Header, options.Encoding = compose.HeaderYes, ""
	}
	compiled, err := compose.Compile(ctx, recipients, spec.Template, options)
	if refused, ok := errors.AsType[*compose.ListError](err); ok {
		recipients.Number(refused.Problems, nil)
	}
	if err != nil {
		return Draft{}, err
	}
	recipients.Number(compiled.Summary.Problems, compiled.Summary.DuplicateExamples)
	spec.NeedsApproval = spec.NeedsApproval || d.MustBeApproved(compiled.Summary.Recipients)
	return Draft{Spec: spec, List: compiled, Key: o.IdempotencyKey, KeyOwner: by}, nil
}

// KeepFiles returns the template with references to its files, which all calls share. They are stored for as
// long as the broadcast may wait.
func (d *Desk) KeepFiles(ctx context.Context, spec Spec) (*compose.Template, error) {
	return spec.Template.Map(func(request message.Request) (message.Request, error) {
		m, err := d.Resolve(ctx, tasks.Message{Request: request, Options: tasks.Options{At: spec.At}})
		if _, invalid := errors.AsType[*message.ValidationError](err); invalid {
			err = within("message", err)
		}
		return m.Request, err
	})
}

// MustBeApproved reports whether a broadcast to this number of recipients needs approval, whoever creates it.
func (d *Desk) MustBeApproved(recipients int) bool {
	return d.ApprovalAbove > 0 && recipients > d.ApprovalAbove
}

// Tell returns the status of a broadcast, with its expected end, and, while it awaits approval, with a
// review.
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

// Statuses returns the newest broadcasts, newest first. With a recipient, it returns those of the newest 20
// that include the recipient, with their outcome.
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

// Review supplements the status for those who approve a broadcast.
type Review struct {
	Samples []Sample `json:"samples" doc:"What three recipients get"`

	Quota
}

// Quota is the share of the app's day quota that a broadcast uses.
type Quota struct {
	// QuotaCost is how much of the day quota it uses; DayQuota is the app's quota for bulk messages, -1 for
	// no limit, and UsedToday how much of it is used.
	QuotaCost int `json:"quota_cost" doc:"How much of the day quota it uses"`
	DayQuota  int `json:"day_quota" doc:"How many recipients of bulk messages the app may reach per day; -1 for no limit"`
	UsedToday int `json:"used_today" doc:"How much of it is used today, in China"`
}

// Preview describes a broadcast before it is created.
type Preview struct {
	ID    string `json:"id"` // of the broadcast to create
	App   string `json:"app"`
	State State  `json:"state"` // its first state
	compose.Summary

	Samples []Sample `json:"samples"` // the messages of three recipients
	Quota

	ETA time.Time `json:"eta,omitzero"`
}

// Preview describes the broadcast that a draft would create. It stores nothing.
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
