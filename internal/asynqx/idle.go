package asynqx

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// idle is the state of a server without tasks.
type idle struct {
	bells *Bells
	rung  <-chan struct{}
}

// WakeBy makes an idle server wait for the bells instead of polling, and skip asynq's periodic work while
// there is nothing to do. It is called before the server starts.
func (c *WorkerClient) WakeBy(bells *Bells) {
	rung, remove := bells.hang(c.queues)
	c.idle = &idle{bells: bells, rung: rung}
	context.AfterFunc(c.stopping, remove)
}

// dequeue replaces asynq's dequeue. asynq asks the queues one after the other; if the last one has no task
// either, an idle server waits in here.
func (c *WorkerClient) dequeue(ctx context.Context, queueKeys []string) *redis.Cmd {
	if c.stopping.Err() != nil {
		return nothing(ctx)
	}
	cmd := c.ask(ctx, queueKeys)
	if c.idle == nil || queueOf(queueKeys[0]) != c.queues[len(c.queues)-1] {
		return cmd
	}
	for errors.Is(cmd.Err(), redis.Nil) && c.awaitTask() {
		cmd = c.askAll(ctx)
	}
	return cmd
}

// ask takes a task from one queue. Before the first queue of a round it waits until one may be taken: the others follow
// without a wait, in which a task could come to the first.
func (c *WorkerClient) ask(ctx context.Context, queueKeys []string) *redis.Cmd {
	if c.AwaitFree != nil && queueOf(queueKeys[0]) == c.queues[0] && c.dequeuer.isEmpty() {
		c.AwaitFree()
		if c.stopping.Err() != nil {
			return nothing(ctx)
		}
	}
	cmd := c.ran(queueKeys, c.dequeuer.dequeue(ctx, c.UniversalClient, queueKeys))
	if cmd.Err() == nil {
		c.presence.stir()
		if c.OnDequeued != nil {
			c.OnDequeued()
		}
	}
	return cmd
}

// askAll takes a task from the first queue that has one: the task itself tells asynq its queue.
func (c *WorkerClient) askAll(ctx context.Context) (cmd *redis.Cmd) {
	for _, queue := range c.queues {
		cmd = c.ask(ctx, []string{queueKey(queue, "pending"), queueKey(queue, "paused"), queueKey(queue, "active"), queueKey(queue, "lease")})
		if !errors.Is(cmd.Err(), redis.Nil) {
			return cmd
		}
	}
	return cmd
}

// awaitTask waits until there may be a task. It reports false if the server is stopping.
func (c *WorkerClient) awaitTask() bool {
	var due <-chan time.Time
	if soonest := c.dequeuer.soonest(); !soonest.IsZero() {
		timer := time.NewTimer(time.Until(soonest))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-c.idle.rung:
	case <-due:
	case <-c.stopping.Done():
	}
	return c.stopping.Err() == nil
}

// tell wakes idle servers after asynq's scripts have put back a task: those of this process after a retry, and those of
// all processes if this server is stopping.
func (c *WorkerClient) tell(ctx context.Context, keys []string, cmd *redis.Cmd) {
	switch {
	case c.idle == nil || cmd.Err() != nil || len(keys) < 4:
	case strings.HasSuffix(keys[3], ":retry") && c.stopping.Err() == nil:
		c.idle.bells.ring(queueOf(keys[0]))
	case strings.HasSuffix(keys[3], ":retry") || strings.HasSuffix(keys[0], ":active") && strings.HasSuffix(keys[2], ":pending"):
		Wake(ctx, c.UniversalClient, queueOf(keys[0]))
	}
}

// Subscribe is asynq's subscription to cancellations in the dashboard, with one connection per server.
// Handlers are not cancelled, so an idle server just waits here until it stops.
func (c *WorkerClient) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	if c.idle == nil {
		return c.UniversalClient.Subscribe(ctx, channels...)
	}
	<-c.stopping.Done()
	sub := c.UniversalClient.Subscribe(ctx)
	_ = sub.Close()
	return sub
}

// skip answers an asynq script that would do nothing; nil if it has to run.
func (c *WorkerClient) skip(ctx context.Context, keys []string, args []any) *redis.Cmd {
	if len(keys) == 1 && strings.HasSuffix(keys[0], ":aggregation_sets") {
		return answered(ctx, "OK") // wecomq does not use groups
	}
	if isExpired(keys) && !c.idle.bells.isBusy(queueOf(keys[0])) {
		return answered(ctx, []any{})
	}
	if isPresence(keys, args) {
		if _, isNews := c.presence.isIdle(); !isNews {
			return answered(ctx, "OK")
		}
	}
	return nil
}
