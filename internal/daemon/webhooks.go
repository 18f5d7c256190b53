package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
)

// webhooks handle the webhooks of a gateway; each reload replaces the handler.
type webhooks struct {
	backends *backends
	current  atomic.Pointer[webhook.Handler]
	next     chan webhookDuty
}

// webhookActorOf is the actor of a webhook's messages.
func webhookActorOf(ctx context.Context) string {
	if identity := gateway.IdentityFrom(ctx); identity != nil {
		return tasks.WebhookActor(identity.Name())
	}
	return tasks.DigestActor
}

// webhookQueue enqueues the messages of webhooks. A repeated alert may be rendered differently.
type webhookQueue struct{ *backends }

// Enqueue implements [webhook.Queue].
func (q webhookQueue) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	results := make([]tasks.Result, len(messages))
	for i, m := range messages {
		m.Options.KeyTakesAny, m.Options.Actor = true, cmp.Or(m.Options.Actor, tasks.DigestActor)
		if results[i].Err = permitted(ctx, m); results[i].Err == nil {
			results[i] = q.backends.Enqueue(ctx, app, []tasks.Message{m})[0]
		}
	}
	return results
}

// Reserve implements [webhook.Queue].
func (q webhookQueue) Reserve(ctx context.Context, m tasks.Message) error {
	if err := permitted(ctx, m); err != nil {
		return err
	}
	_, err := q.current.Load().deployment.reserve(ctx, m.Request.Common().Recipients().Unique().Count())
	return err
}

// permitted returns an error if the token of a webhook may not send a message. Messages sent later were
// permitted when they arrived.
func permitted(ctx context.Context, m tasks.Message) error {
	if identity := gateway.IdentityFrom(ctx); identity != nil {
		return identity.Permit(m)
	}
	return nil
}

// webhookDuty is a handler and the apps whose digests it sends.
type webhookDuty struct {
	handler *webhook.Handler
	apps    []string
}

func newWebhooks(d *Deployment, b *backends) (*webhooks, error) {
	w := &webhooks{backends: b, next: make(chan webhookDuty, 1)}
	apply, err := w.load(d)
	if err != nil {
		return nil, err
	}
	apply()
	return w, nil
}

// load makes the handler of a config; apply puts it into effect.
func (w *webhooks) load(d *Deployment) (apply func(), err error) {
	handler, err := webhook.New(d.rdb, webhookQueue{w.backends}, d.Config.Gateway.Webhooks, d.log)
	if err != nil {
		return nil, err
	}
	duty := webhookDuty{handler, d.Config.AppNames()}
	handler.OnAlerts, handler.OnMessage, handler.Actor = d.metrics.Alerted, gateway.NoteMessage, webhookActorOf
	for _, app := range duty.apps {
		d.metrics.InitWebhookSeries(app, d.Config.Gateway.Webhooks.SourceNames())
	}
	return func() {
		w.current.Store(handler)
		select {
		case <-w.next: // drop the handler of an earlier reload that has not started yet
		default:
		}
		w.next <- duty
	}, nil
}

// run sends digests until ctx ends, always with the current handler.
func (w *webhooks) run(ctx context.Context) error {
	for current := <-w.next; ; {
		successor, err := w.runUntilReplaced(ctx, current)
		if successor == nil || err != nil {
			return err
		}
		current = *successor
	}
}

// runUntilReplaced sends digests until ctx ends or there is a successor.
func (w *webhooks) runUntilReplaced(ctx context.Context, current webhookDuty) (*webhookDuty, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- current.handler.Run(ctx, current.apps) }()
	select {
	case err := <-done:
		return nil, err
	case successor := <-w.next:
		stop()
		return &successor, <-done
	}
}

// routes are the routes of the webhooks. Sources other than Alertmanager and Grafana depend on the config,
// which a reload changes.
func (w *webhooks) routes() []gateway.Route {
	serve := func(source func(*http.Request) string) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.current.Load().Handle(webhook.Source(source(r)), r.PathValue("app"), rw, r)
		})
	}
	routes := []gateway.Route{{
		Pattern: "/v1/webhooks/{source}/{app}", Scope: config.ScopeSend, Basic: true,
		Handler: serve(func(r *http.Request) string { return r.PathValue("source") }),
	}}
	for _, source := range []webhook.Source{webhook.Alertmanager, webhook.Grafana} {
		routes = append(routes, gateway.Route{
			Pattern: fmt.Sprintf("/v1/webhooks/%s/{app}", source), Scope: config.ScopeSend, Basic: true, // Grafana can be configured to PUT
			Handler: serve(func(*http.Request) string { return string(source) }),
		})
	}
	return routes
}
