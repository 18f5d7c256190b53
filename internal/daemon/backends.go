package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/metrics"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// backends serve the gateway's requests, by app. A reload replaces all of them at once.
type backends struct {
	current atomic.Pointer[backendSet]
}

// backendSet is the backends of one config.
type backendSet struct {
	apps       map[string]*backend
	states     *apps.Inspector
	rdb        redis.UniversalClient
	deployment *Deployment
}

// backend serves one app.
type backend struct {
	producer   *producer.Producer
	finder     *lookup.Finder
	operator   *operator.Operator
	ledger     *ledger.Ledger
	wecom      metrics.Client
	media      *media.Store
	broadcasts *broadcast.Desk
}

// load makes the backends of a config; apply activates them.
func (b *backends) load(d *Deployment) (apply func(), settings gateway.Settings, err error) {
	next := backendSet{apps: map[string]*backend{}, states: d.Inspector(), rdb: d.rdb, deployment: d}
	settings = gateway.Settings{Tokens: d.Config.Gateway.Tokens, TrustedProxies: d.Config.Gateway.TrustedProxies, Login: d.Config.Gateway.Login}
	for _, name := range d.Config.AppNames() {
		app := d.Config.Apps[name]
		if next.apps[name], err = newBackend(d, app); err != nil {
			return nil, settings, fmt.Errorf("app %s: %w", name, err)
		}
		settings.Apps = append(settings.Apps, gateway.App{
			Name: name, CorpID: app.CorpID, AgentID: app.AgentID, WeCom: next.apps[name].wecom,
		})
	}
	return func() { b.current.Store(&next) }, settings, nil
}

func newBackend(d *Deployment, app *config.App) (*backend, error) {
	p, err := d.Producer(app)
	if err != nil {
		return nil, err
	}
	client, err := d.client(app)
	if err != nil {
		return nil, err
	}
	op, err := d.Operator(app)
	if err != nil {
		return nil, err
	}
	return &backend{producer: p, finder: d.Finder(app), ledger: d.Ledger(app), operator: op, wecom: client, media: d.Media(app), broadcasts: d.BroadcastDesk(app)}, nil
}

// of returns an app's backend; an app that a reload has just removed is not found.
func (b *backends) of(app string) (*backend, error) {
	backend, ok := b.current.Load().apps[app]
	if !ok {
		return nil, fmt.Errorf("app %s: %w", app, gateway.ErrNotFound)
	}
	return backend, nil
}

// Enqueue implements [gateway.Queue].
func (b *backends) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	backend, err := b.of(app)
	if err != nil {
		return slices.Repeat([]tasks.Result{{Err: err}}, len(messages))
	}
	return b.current.Load().deployment.send(ctx, backend.producer, messages)
}

// enqueueFault classifies the error of an enqueue: Redis did not answer, or the message is invalid.
func enqueueFault(err error) error {
	if refused, ok := errors.AsType[redis.Error](err); ok && !errors.Is(refused, redis.Nil) {
		return fmt.Errorf("%w: %w", gateway.ErrRefused, err)
	}
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
	if errors.Is(err, lookup.ErrNotFound) && !tasks.IsBroadcast(id) {
		return b.waiting(ctx, app, id)
	}
	return record, lookupFault(id, err)
}

// Search implements [gateway.Searcher].
func (b *backends) Search(ctx context.Context, apps []string, q lookup.Query) (lookup.Page, error) {
	finders := make([]*lookup.Finder, len(apps))
	for i, app := range apps {
		backend, err := b.of(app)
		if err != nil {
			return lookup.Page{}, err
		}
		finders[i] = backend.finder
	}
	page, err := lookup.List(ctx, finders, q)
	if err != nil {
		return page, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return page, nil
}

// Done implements [webhook.Queue].
func (b *backends) Done(ctx context.Context, app, id string) (bool, error) {
	record, err := b.Record(ctx, app, id)
	if errors.Is(err, gateway.ErrNotFound) {
		return true, nil
	}
	return record.State.Final(), err
}

// waiting is the record of a webhook's message that is not in the queue yet.
func (b *backends) waiting(ctx context.Context, app, id string) (tasks.Record, error) {
	m, after, found, err := webhook.Waiting(ctx, b.current.Load().rdb, app, id)
	switch {
	case err != nil:
		return tasks.Record{}, lookupFault(id, err)
	case !found:
		return tasks.Record{}, lookupFault(id, lookup.ErrNotFound)
	}
	return tasks.Record{
		ID: id, App: app, Type: m.Request.Type(), Priority: m.Options.Priority, State: tasks.Held, ErrMsg: "waits for " + after,
		Actor: cmp.Or(m.Options.Actor, tasks.DigestActor),
	}, nil
}

// lookupFault classifies the error of an operation that only used Redis.
func lookupFault(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*lookup.BroadcastError)):
		return problem.As(gateway.ErrNotFound, err)
	case errors.Is(err, lookup.ErrNotFound), errors.Is(err, ledger.ErrNotFound):
		return fmt.Errorf("%s: %w", id, gateway.ErrNotFound)
	case errors.Is(err, ledger.ErrNotReplayable):
		return fmt.Errorf("%w: %w", gateway.ErrConflict, err)
	}
	return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
}
