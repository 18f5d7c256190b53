package apps

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/tasks"
)

// Leftover is what Redis still has of an app that has left the config.
type Leftover struct {
	App     string   `json:"app"`
	Keys    int      `json:"keys"`            // in Redis, those of its queues included
	Waiting int      `json:"waiting"`         // messages that were never sent, or will be tried again
	Hosts   []string `json:"hosts,omitempty"` // of workers that still serve it
}

// Leftover counts the keys and messages of an app.
func (a *Inspector) Leftover(ctx context.Context, app string) (Leftover, error) {
	left := Leftover{App: app}
	var err error
	if left.Hosts, err = asynqx.Hosts(a.rdb, queues(app)...); err != nil {
		return left, err
	}
	for _, queue := range queues(app) {
		sizes, err := asynqx.Sizes(ctx, a.rdb, queue, "pending", "scheduled", "retry", "active")
		if err != nil {
			return left, err
		}
		for _, size := range sizes {
			left.Waiting += size
		}
	}
	held, err := a.rdb.ZCard(ctx, keys.WebhookDue(app)).Result() // by webhooks
	if err != nil {
		return left, fmt.Errorf("count the webhooks' messages of %s: %w", app, err)
	}
	left.Waiting += int(held)
	err = a.eachKey(ctx, app, func(_ redis.UniversalClient, names []string) error {
		left.Keys += len(names)
		return nil
	})
	return left, err
}

// MayForget says why the app must not be forgotten: somebody serves it or, unless force is
// given, messages wait.
func (l Leftover) MayForget(force bool) error {
	switch {
	case len(l.Hosts) > 0:
		return fmt.Errorf("app %s is still served by workers on %s; stop or reload them first", l.App, strings.Join(l.Hosts, ", "))
	case l.Waiting > 0 && !force:
		return fmt.Errorf("app %s: messages waiting: %d; let a worker send them, or use --force to delete them unsent", l.App, l.Waiting)
	}
	return nil
}

// Forget deletes all that Redis holds of an app, records included, and returns the number
// of keys. What is being written meanwhile may stay, so nobody should serve the app.
func (a *Inspector) Forget(ctx context.Context, app string) (deleted int, err error) {
	defer func() { activity.Record(ctx, activity.ForgetApp, app, fmt.Sprintf("%d keys", deleted), err) }()
	err = a.eachKey(ctx, app, func(node redis.UniversalClient, names []string) error {
		replies, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, name := range names { // one by one: they may be of several slots
				p.Unlink(ctx, name)
			}
			return nil
		})
		for _, reply := range replies {
			if n, ok := reply.(*redis.IntCmd); ok {
				deleted += int(n.Val())
			}
		}
		return err
	})
	if err != nil {
		return deleted, err
	}
	return deleted, asynqx.Unregister(ctx, a.rdb, queues(app)...)
}

func queues(app string) []string {
	var names []string
	for _, priority := range tasks.Priorities() {
		names = append(names, tasks.Queue(app, priority))
	}
	return names
}

// eachKey calls do with batches of an app's keys, and with the node that has them.
func (a *Inspector) eachKey(ctx context.Context, app string, do func(node redis.UniversalClient, names []string) error) error {
	patterns := []string{keys.All(app)}
	for _, queue := range queues(app) {
		patterns = append(patterns, keys.All(queue), asynqx.QueueKeys(queue))
	}
	return redisconn.Scan(ctx, a.rdb, patterns, do)
}
