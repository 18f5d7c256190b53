package asynqx

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// idle is how a server without tasks waits.
type idle struct {
	bells *Bells
	rung  <-chan struct{}
}

// WakeBy lets an idle server wait for the bells instead of polling, and do without what asynq
// does all the time though nothing happens. It is called before the server starts.
func (c *WorkerClient) WakeBy(bells *Bells) {
	rung, remove := bells.hang(c.queues)
	c.idle = &idle{bells: bells, rung: rung}
	context.AfterFunc(c.stopping, remove)
}

// dequeue answers asynq's dequeue. It asks the queues one after the other, and if the last
// one has no task either, an idle server waits in here.
func (c *WorkerClient) dequeue(ctx context.Context, queueKeys []string) *redis.Cmd {
	if c.stopping.Err() != nil {
		return nothing(ctx)
	}
	cmd := c.ask(ctx, queueKeys)
	if c.idle == nil || queueOf(queueKeys[0]) != c.queues[len(c.queues)-1] {
		return cmd
	}
	for errors.Is(cmd.Err(), redis.Nil) && c.rest() {
		cmd = c.askAll(ctx)
	}
	return cmd
}

// ask takes a task from one queue.
func (c *WorkerClient) ask(ctx context.Context, queueKeys []string) *redis.Cmd {
	cmd := c.ran(queueKeys, c.dequeuer.dequeue(ctx, c.UniversalClient, queueKeys))
	if cmd.Err() == nil {
		c.presence.stir()
	}
	return cmd
}

// askAll takes a task from the first queue that has one: asynq reads in the task whose it is.
func (c *WorkerClient) askAll(ctx context.Context) (cmd *redis.Cmd) {
	ctx, cancel := detach(ctx) // the wait was longer than a call may take
	defer cancel()
	for _, queue := range c.queues {
		cmd = c.ask(ctx, []string{queueKey(queue, "pending"), queueKey(queue, "paused"), queueKey(queue, "active"), queueKey(queue, "lease")})
		if !errors.Is(cmd.Err(), redis.Nil) {
			return cmd
		}
	}
	return cmd
}

// rest waits until there may be a task. It reports false when the server is stopping.
func (c *WorkerClient) rest() bool {
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

// tell wakes those who cannot know of a task that one of asynq's scripts has put somewhere:
// this process of one to be retried, and all of one that a stopping server has put back.
func (c *WorkerClient) tell(ctx context.Context, keys []string, cmd *redis.Cmd) {
	switch {
	case c.idle == nil || cmd.Err() != nil || len(keys) < 4:
	case strings.HasSuffix(keys[3], ":retry"):
		c.idle.bells.ring(queueOf(keys[0]))
	case strings.HasSuffix(keys[0], ":active") && strings.HasSuffix(keys[2], ":pending"):
		Wake(ctx, c.UniversalClient, queueOf(keys[0]))
	}
}

// Subscribe is how asynq listens for tasks that somebody cancels in the dashboard, on a
// connection for each server. Handlers are not cancelled, so an idle server waits here until it
// is stopping.
func (c *WorkerClient) Subscribe(ctx context.Context, channels ...string) *redis.PubSub {
	if c.idle == nil {
		return c.UniversalClient.Subscribe(ctx, channels...)
	}
	<-c.stopping.Done()
	sub := c.UniversalClient.Subscribe(ctx)
	_ = sub.Close()
	return sub
}

// skip answers one of asynq's scripts that would do nothing; nil if it has to run.
func (c *WorkerClient) skip(ctx context.Context, keys []string, args []any) *redis.Cmd {
	if len(keys) == 1 && strings.HasSuffix(keys[0], ":aggregation_sets") {
		return answered(ctx, "OK") // wecomq has no groups of tasks
	}
	if isExpired(keys) && !c.idle.bells.isBusy(queueOf(keys[0])) {
		return answered(ctx, []any{})
	}
	if isPresence(keys, args) {
		if _, isNews := c.presence.atRest(); !isNews {
			return answered(ctx, "OK")
		}
	}
	return nil
}
