package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/wecomq/wecomq/internal/appstate"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/dispatch"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/status"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// backends are what the gateway passes requests on to, by app. A reload swaps
// them as a whole.
type backends struct {
	current atomic.Pointer[map[string]*backend]
}

// backend is everything of one app.
type backend struct {
	producer *producer.Producer
	finder   *status.Finder
	wecom    *wecom.Client

	dispatcher *dispatch.Dispatcher
	apps       *appstate.Apps
}

// load makes the backends of a config; apply puts them into force.
func (b *backends) load(d *deployment) (apply func(), settings gateway.Settings, err error) {
	next := map[string]*backend{}
	settings = gateway.Settings{Tokens: d.cfg.Gateway.Tokens}
	for _, name := range slices.Sorted(maps.Keys(d.cfg.Apps)) {
		app := d.cfg.Apps[name]
		if next[name], err = newBackend(d, app); err != nil {
			return nil, settings, fmt.Errorf("app %s: %w", name, err)
		}
		settings.Apps = append(settings.Apps, gateway.App{
			Name: name, CorpID: app.CorpID, AgentID: app.AgentID, WeCom: next[name].wecom,
		})
	}
	return func() { b.current.Store(&next) }, settings, nil
}

func newBackend(d *deployment, app *config.App) (*backend, error) {
	p, err := d.producer(app)
	if err != nil {
		return nil, err
	}
	client, err := d.client(app, tokenstore.New(d.rdb, app.Name, app.CorpID, app.Secret))
	if err != nil {
		return nil, err
	}
	dispatcher, err := d.dispatcher(app)
	if err != nil {
		return nil, err
	}
	return &backend{producer: p, finder: d.finder(app), wecom: client, dispatcher: dispatcher, apps: d.apps()}, nil
}

// of finds an app's backend; one that a reload has just removed is gone.
func (b *backends) of(app string) (*backend, error) {
	backend, ok := (*b.current.Load())[app]
	if !ok {
		return nil, fmt.Errorf("app %s: %w", app, gateway.ErrNotFound)
	}
	return backend, nil
}

// Enqueue implements [gateway.Queue].
func (b *backends) Enqueue(ctx context.Context, app string, messages []gateway.Message) []gateway.Result {
	results := make([]gateway.Result, len(messages))
	backend, err := b.of(app)
	if err != nil {
		for i := range results {
			results[i].Err = err
		}
		return results
	}
	batch := make([]producer.Message, len(messages))
	for i, m := range messages {
		batch[i] = producer.Message{Request: m.Request, Options: producer.Options{
			Priority: m.Priority, At: m.ProcessAt, ExpiresIn: m.ExpiresIn, IdempotencyKey: m.IdempotencyKey,
		}}
	}
	for i, r := range backend.producer.SendBatch(ctx, batch) {
		results[i] = gateway.Result{
			Receipt: gateway.Receipt{ID: r.Receipt.ID, State: r.Receipt.State, Duplicate: r.Receipt.Duplicate},
			Err:     enqueueFault(r.Err),
		}
	}
	return results
}

// enqueueFault tells a Redis that did not answer from a message at fault.
func enqueueFault(err error) error {
	var unavailable *producer.RedisError
	if errors.As(err, &unavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return err
}

// Record implements [gateway.Records].
func (b *backends) Record(ctx context.Context, app, id string) (tasks.Record, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.Record{}, err
	}
	record, err := backend.finder.Message(ctx, id)
	if err != nil {
		return tasks.Record{}, storeFault(id, err)
	}
	return record, nil
}

// Recall implements [gateway.Recaller]: from WeCom's clients what was sent, out of
// the queue what was not.
func (b *backends) Recall(ctx context.Context, app, id string) (tasks.Record, error) {
	return b.takeBack(ctx, app, id, (*dispatch.Dispatcher).Recall)
}

// Cancel implements [gateway.Canceller].
func (b *backends) Cancel(ctx context.Context, app, id string) (tasks.Record, error) {
	return b.takeBack(ctx, app, id, (*dispatch.Dispatcher).Cancel)
}

// takeBack is a conflict when nothing of the message could be taken back.
func (b *backends) takeBack(
	ctx context.Context, app, id string, do func(*dispatch.Dispatcher, context.Context, string) (dispatch.Recall, error),
) (tasks.Record, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.Record{}, err
	}
	recall, err := do(backend.dispatcher, ctx, id)
	if err != nil {
		return tasks.Record{}, storeFault(id, err)
	}
	if recall.Failed() == len(recall.Parts) {
		return tasks.Record{}, fmt.Errorf("%w: %s: %s; %s", gateway.ErrConflict, id, recall.Parts[0].Reason, recall.Parts[0].Hint)
	}
	return b.Record(ctx, app, id)
}

// Replay implements [gateway.Replayer]. The receipt is that of the first part that
// is sent again.
func (b *backends) Replay(ctx context.Context, app, id string) (gateway.Receipt, error) {
	backend, err := b.of(app)
	if err != nil {
		return gateway.Receipt{}, err
	}
	replays, err := backend.dispatcher.Replay(ctx, id)
	switch {
	case errors.Is(err, ledger.ErrNotReplayable):
		return gateway.Receipt{}, fmt.Errorf("%w: %w", gateway.ErrConflict, err)
	case err != nil:
		return gateway.Receipt{}, storeFault(id, err)
	}
	return gateway.Receipt{ID: replays[0].ReplayedAs, State: tasks.Queued, Duplicate: replays[0].Duplicate}, nil
}

// Apps implements [gateway.AppLister].
func (b *backends) Apps(ctx context.Context) ([]gateway.AppStatus, error) {
	all := (*b.current.Load())
	statuses := make([]gateway.AppStatus, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, err := all[name].apps.Status(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
		statuses = append(statuses, s)
	}
	return statuses, nil
}

// storeFault tells a message that is not there from a Redis that does not answer.
func storeFault(id string, err error) error {
	if errors.Is(err, status.ErrNotFound) || errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("%s: %w", id, gateway.ErrNotFound)
	}
	return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
}
