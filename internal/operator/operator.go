// Package operator implements operations on messages after sending: cancelling, recalling, replaying and purging
// them, and changing cards.
package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Recaller recalls a message from WeCom's clients; [*message.Client] is one.
type Recaller interface {
	RecallContext(ctx context.Context, request message.RecallRequest) (*message.RecallResponse, error)
}

// Config configures an [Operator].
type Config struct {
	Redis redis.UniversalClient
	App   string
	// AgentID is that of App; "" leaves the agentid of an update unchecked.
	AgentID string
	Ledger  *ledger.Ledger // of App
	// Retention is how long the finished tasks of replayed messages stay in the dashboard, by priority.
	Retention map[tasks.Priority]time.Duration
	// Recaller calls WeCom for App; only Recall needs it.
	Recaller Recaller
}

// Operator acts on the messages of one app. It is safe for concurrent use.
type Operator struct {
	Config
	finder    *lookup.Finder
	inspector *asynq.Inspector
	clock     *redisclock.Clock
}

// New returns the operator of an app.
func New(cfg Config) *Operator {
	return &Operator{
		Config: cfg, finder: lookup.New(cfg.Redis, cfg.App, cfg.Ledger),
		inspector: asynq.NewInspectorFromRedisClient(cfg.Redis), clock: redisclock.New(cfg.Redis),
	}
}

// parts are the records of an id: one for a part, all for a message.
func (o *Operator) parts(ctx context.Context, id string) ([]tasks.Record, error) {
	if id != tasks.MessageID(id) {
		record, err := o.finder.Part(ctx, id)
		return []tasks.Record{record}, err
	}
	whole, err := o.finder.Message(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(whole.Parts) > 0 {
		return whole.Parts, nil
	}
	return []tasks.Record{whole}, nil
}

// dropTask removes a task that is no longer needed; its record then expires in its time. A task that a worker
// has taken stays: the worker finds the record. If there is none, it may be about to be enqueued.
func (o *Operator) dropTask(ctx context.Context, queue, id string) error {
	err := o.inspector.DeleteTask(queue, id)
	if err == nil {
		return o.Ledger.TasksGone(ctx, id)
	}
	if asynqx.IsNotFound(err) {
		return nil
	}
	if info, lookErr := o.inspector.GetTaskInfo(queue, id); lookErr == nil && info.State == asynq.TaskStateActive {
		return nil
	}
	return fmt.Errorf("delete task %s: %w", id, err)
}
