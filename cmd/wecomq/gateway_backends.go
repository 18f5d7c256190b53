package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/status"
	"github.com/wecomq/wecomq/message"
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
	messages *message.Client
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
	client, err := d.client(app, d.tokens(app))
	if err != nil {
		return nil, err
	}
	return &backend{producer: p, finder: d.finder(app), wecom: client, messages: message.NewClient(client, app.AgentID)}, nil
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
	switch {
	case errors.Is(err, status.ErrNotFound):
		return tasks.Record{}, fmt.Errorf("%s: %w", id, gateway.ErrNotFound)
	case err != nil: // only Redis is asked
		return tasks.Record{}, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return record, nil
}

// Recall implements [gateway.Recaller]: all parts of a message that WeCom took.
func (b *backends) Recall(ctx context.Context, app, id string) (tasks.Record, error) {
	backend, err := b.of(app)
	if err != nil {
		return tasks.Record{}, err
	}
	record, err := b.Record(ctx, app, id)
	if err != nil {
		return tasks.Record{}, err
	}
	parts := record.Parts
	if len(parts) == 0 {
		parts = []tasks.Record{record}
	}
	recalled := 0
	for _, part := range parts {
		if part.MsgID == "" {
			continue
		}
		if _, err := backend.messages.RecallContext(ctx, message.RecallRequest{MsgID: part.MsgID}); err != nil {
			return tasks.Record{}, err
		}
		recalled++
	}
	if recalled == 0 {
		return tasks.Record{}, fmt.Errorf("%w: %s is %s, WeCom has nothing of it to recall", gateway.ErrConflict, id, record.State)
	}
	return record, nil
}
