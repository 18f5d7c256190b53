package daemon

import (
	"context"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Broadcasts holds the broadcasts of an app.
func (d *Deployment) Broadcasts(app *config.App) *broadcast.Store {
	return broadcast.New(d.rdb, app.Name, app.RecordTTL)
}

// broadcastPace is the app's current capacity for a broadcast.
func (d *Deployment) broadcastPace(ctx context.Context, app *config.App) (broadcast.Pace, error) {
	pacer := pacing.New(d.rdb, pacing.Config{App: app.Name, Limits: app.Limits, RecordTTL: app.RecordTTL})
	status, err := pacer.Status(ctx)
	if err != nil {
		return broadcast.Pace{}, err
	}
	return broadcast.Pace{
		CallsPerMinute: float64(app.Limits.CallsPerMinute) * status.Rate,
		DayQuota:       app.Limits.DayQuota(tasks.Bulk), Used: status.Used,
	}, nil
}

// BroadcastDesk returns the desk that creates and shows an app's broadcasts.
func (d *Deployment) BroadcastDesk(app *config.App) *broadcast.Desk {
	store := d.Broadcasts(app)
	store.Spend = d.reserveBroadcast
	return &broadcast.Desk{
		Store: store, Zone: app.Location(), ApprovalAbove: d.Config.Broadcast.ApprovalAbove,
		Pace: func(ctx context.Context) (broadcast.Pace, error) { return d.broadcastPace(ctx, app) },
		Resolve: func(ctx context.Context, m tasks.Message) (tasks.Message, error) {
			m, err := d.Media(app).Resolve(ctx, m)
			return m, mediaFault("media", "", err)
		},
		Keep: func(ctx context.Context, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error) {
			ref, err := d.Media(app).Keep(ctx, kind, name, content)
			return ref, mediaFault("file", name, err)
		},
		Enqueue: func(ctx context.Context, m tasks.Message) (tasks.Receipt, error) {
			p, err := d.Producer(app)
			if err != nil {
				return tasks.Receipt{}, err
			}
			result := d.send(ctx, p, []tasks.Message{m})[0]
			return result.Receipt, result.Err
		},
		Record: d.Finder(app).Message,
		Recaller: func() (broadcast.Recaller, error) {
			client, err := d.client(app)
			if err != nil {
				return nil, err
			}
			return message.NewClient(client, app.AgentID), nil
		},
	}
}

// Broadcasts implements [gateway.Broadcasts].
func (b *backends) Broadcasts(app string) (*broadcast.Desk, error) {
	backend, err := b.of(app)
	if err != nil {
		return nil, err
	}
	return backend.broadcasts, nil
}
