package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/internal/tracing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Config is what a [Producer] needs. App is required.
type Config struct {
	App string // the alias under which the workers know the application
	// Retention is how long finished tasks stay in the asynq dashboard, by priority; nil for
	// [tasks.DefaultRetention]. Records have their own TTL.
	Retention map[tasks.Priority]time.Duration
	// RecordTTL is how long the workers keep records, and so how long an idempotency
	// key finds its message; 0 for [tasks.DefaultRecordTTL].
	RecordTTL time.Duration
	// TracerProvider gets a span per message, which workers continue; nil for none. The context's own trace
	// is passed on either way.
	TracerProvider trace.TracerProvider
}

// Producer enqueues the messages of one app. It is safe for concurrent use.
type Producer struct {
	rdb       redis.UniversalClient
	app       string
	retention map[tasks.Priority]time.Duration
	recordTTL time.Duration
	tracer    tracing.Tracer
	clock     *redisclock.Clock
	budget    Budget // nil for no limit
}

// New validates the configuration; it does not connect. The caller closes rdb.
func New(rdb redis.UniversalClient, cfg Config) (*Producer, error) {
	if rdb == nil {
		return nil, errors.New("producer: the Redis client is nil")
	}
	if err := tasks.ValidateApp(cfg.App); err != nil {
		return nil, fmt.Errorf("producer: %w", err)
	}
	if cfg.Retention == nil {
		cfg.Retention = tasks.DefaultRetention()
	}
	if cfg.RecordTTL < 0 {
		return nil, fmt.Errorf("producer: RecordTTL: %s is negative", cfg.RecordTTL)
	}
	if cfg.RecordTTL == 0 {
		cfg.RecordTTL = tasks.DefaultRecordTTL
	}
	return &Producer{
		rdb: rdb, app: cfg.App, retention: cfg.Retention, recordTTL: cfg.RecordTTL, tracer: tracing.New(cfg.TracerProvider),
		clock: redisclock.New(rdb),
	}, nil
}

// Send validates a message and enqueues it, in one round trip, or in two with an idempotency key or duplicate
// check. Every 10 s one more reads the clock of Redis, which all times are based on. See [Result] for its
// errors.
func (p *Producer) Send(ctx context.Context, request message.Request, options Options) (Receipt, error) {
	result := p.SendBatch(ctx, []Message{{Request: request, Options: options}})[0]
	return result.Receipt, result.Err
}

// batchTasks is how many tasks are sent in one round trip; more would not be faster.
const batchTasks = 1000

// SendBatch enqueues any number of messages, a thousand per round trip, and returns one result for each, in
// order. A refused message does not affect the others. When ctx ends, messages not sent yet fail with ctx's
// error.
func (p *Producer) SendBatch(ctx context.Context, messages []Message) []Result {
	results := make([]Result, len(messages))
	now, clockErr := p.clock.Now(ctx)
	pending := p.newBatch(now, len(messages))
	sent := func() {} // waits for the batch before
	for i, m := range messages {
		d, err := p.prepare(m, &results[i], now)
		if err == nil && clockErr != nil {
			err = &RedisError{Err: clockErr}
		}
		if err != nil {
			results[i].Err = err
			continue
		}
		d.begin(ctx, p.tracer)
		if pending.add(d); pending.full() && i < len(messages)-1 {
			sent()
			sent, pending = pending.send(ctx), p.newBatch(now, len(messages)-i)
		}
	}
	sent()
	pending.flush(ctx)
	return results
}
