package producer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/tracing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// draft is a validated message with its encoded body. Its place in the queue, its own or an earlier
// message's, is known once its claims are settled.
type draft struct {
	result   *Result
	schedule schedule
	keyed    bool   // it has an idempotency key
	elder    string // its id in the previous version, "" if it is the same
	msgType  message.Type
	actor    string        // the sender
	window   time.Duration // of WeCom's duplicate check, 0 without
	bodies   [][]byte      // one for each call
	// recipients is the number of recipients it names; "@all" counts as one.
	recipients int

	own       claim    // its own id and queue
	place     claim    // the id and queue that it takes: its own, or an earlier message's
	attempted bool     // the message in that place has a record: only the missing parts are enqueued
	lacking   []int    // its parts without a record, counted from 1
	held      []string // keys of the claims that this draft has set
	met       string   // the claim of the message whose place it takes, as read

	settled int  // how many of its tasks are in the queue
	second  bool // the first of them was there already

	span    trace.Span
	headers map[string]string // of its tasks; they carry the trace
}

// open reports whether the whole message still has to be enqueued.
func (d *draft) open() bool { return d.result.Err == nil && !d.attempted }

// found records that the message is a repeat of one that was already attempted.
func (d *draft) found(state tasks.State) {
	d.attempted = true
	d.result.Receipt.State, d.result.Receipt.Duplicate = state, true
}

// foundParts records the states of that message's parts.
func (d *draft) foundParts(states []*redis.StringCmd) {
	records := make([]tasks.Record, len(states))
	for i, cmd := range states {
		records[i].State = tasks.State(cmd.Val())
		if records[i].State != tasks.None {
			continue
		}
		records[i].State = tasks.Queued
		if i < len(d.bodies) {
			d.lacking = append(d.lacking, i+1)
		}
	}
	d.result.Receipt.State = tasks.Merge(records).State
}

// byKey is the key in Redis of the claim by idempotency key.
func (d *draft) byKey(app string) string { return keys.IdempotencyKey(app, d.own.id) }

// olderKey is the key where the previous version kept the claim, "" for the same key.
func (d *draft) olderKey(app string) string {
	if d.elder == "" {
		return ""
	}
	return keys.IdempotencyKey(app, d.elder)
}

// first reports whether the idempotency key was unused for as long as records are kept. A message that
// finished before that may still be in the dashboard, with the same id.
func (d *draft) first(app string) bool {
	return d.keyed && d.open() && d.place.id == d.own.id && slices.Contains(d.held, d.byKey(app))
}

// byBytes is the key in Redis of the claim by content and recipients.
func (d *draft) byBytes(app string) string {
	sum := sha256.New()
	for _, body := range d.bodies {
		sum.Write(body)
	}
	return keys.Same(app, hex.EncodeToString(sum.Sum(nil)[:16]))
}

// tasks returns the tasks of the message, in the place that it takes.
func (d *draft) tasks(p *Producer, now time.Time) []asynqx.Task {
	var at time.Time // zero: at once
	if d.schedule.waits {
		at = d.schedule.due
	}
	parts := d.parts()
	made := make([]asynqx.Task, len(parts))
	for i, part := range parts {
		payload := tasks.Payload{
			ID: tasks.PartID(d.place.id, part), App: p.app, Priority: d.place.priority, Type: d.msgType, Body: d.bodies[part-1],
			EnqueuedAt: now, ExpiresAt: d.schedule.expires, Parts: d.place.parts,
			Actor: d.actor,
		}
		if payload.Parts > 0 {
			payload.Part = part
		}
		made[i] = asynqx.NewTask(payload, p.retention[payload.Priority], at).WithHeaders(d.headers)
		made[i].Replaces, made[i].Sender = d.first(p.app), d.actor
	}
	return made
}

// parts are the parts to enqueue, counted from 1.
func (d *draft) parts() []int {
	if d.attempted {
		return d.lacking
	}
	n := len(d.bodies)
	if d.place.id != d.own.id || d.keyed { // a repeat with the same key may have other content
		n = min(n, max(d.place.parts, 1))
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// claims reports whether repeats of the message are detected.
func (d *draft) claims() bool { return d.keyed || d.window > 0 }

// receive records the result of enqueueing one of its tasks.
func (d *draft) receive(err error) {
	conflict := errors.Is(err, asynq.ErrTaskIDConflict)
	if err != nil && !conflict {
		d.result.Err = err
		return
	}
	if d.settled++; d.settled == 1 {
		d.second = conflict
	}
}

// conclude writes the receipt. Of all messages that take the same place, the one that enqueued the first task
// is the original. An id without a claim can only conflict with itself: Redis took it but the reply was lost,
// and go-redis, or the caller with the same id, sent it again.
func (d *draft) conclude(app string, now time.Time) {
	r := &d.result.Receipt
	r.ID, r.Queue, r.Parts = d.place.id, d.place.queue(app), d.place.parts
	if d.open() {
		r.Duplicate = d.second && d.claims()
	}
	if d.open() && r.Duplicate && d.place.due > 0 {
		r.State = d.place.state(now)
	}
	d.end(app)
}

// begin starts the message's span, which the deliveries of its tasks continue.
func (d *draft) begin(ctx context.Context, tracer tracing.Tracer) {
	ctx, d.span = tracer.Start(ctx, "send", trace.WithSpanKind(trace.SpanKindProducer))
	d.headers = tracing.Headers(ctx)
}

// end ends the span, once the message has a place.
func (d *draft) end(app string) {
	if d.span.IsRecording() {
		d.span.SetName("send " + d.result.Receipt.Queue)
		tracing.Sent(d.span, app, d.result.Receipt.ID, d.result.Receipt.Queue, d.result.Err)
	}
	d.span.End()
}
