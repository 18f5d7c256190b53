package broadcast

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// maxAhead and maxAheadBytes bound the calls waiting in the queue and their size: enough for twelve
	// seconds at WeCom's limit of 10,000 calls a minute.
	maxAhead      = 2000
	maxAheadBytes = 8 << 20
	// tasksPerTrip and bytesPerTrip bound one round trip.
	tasksPerTrip = 250
	bytesPerTrip = 1 << 20
	// stepWait is how soon the feeder continues. A task returns at a whole second, rounded up: a pause of
	// one second would become two, and a broadcast of individual texts would make at most 1,000 calls per
	// second.
	stepWait = 100 * time.Millisecond
	// While nothing happens the feeder polls less and less often, as idleWait says: at least every fullWait
	// if it may enqueue no more, which is less than the calls ahead last; every stopWait if the broadcast is
	// not running.
	fullWait = 10 * time.Second
	stopWait = 15 * time.Second
	// maxWait bounds how long the feeder sleeps.
	maxWait = time.Minute
	// stalled is how long without an outcome it takes until the calls are enqueued again, except those in the
	// queue: their tasks were lost, or deleted in the dashboard.
	stalled = 2 * time.Minute
	// burst is how much a broadcast's own rate allows at once.
	burst = time.Second
)

// Step is the result of a step of the feeder, and when to call it again.
type Step struct {
	Wait time.Duration
	Over bool   // never: the broadcast is over
	Note string // for the dashboard
}

// cursor is the next call to enqueue.
type cursor struct {
	block, call int
	fed         int // calls before it

	text string // as read; unique each time it is reset
}

func readCursor(text string) cursor {
	c := cursor{text: text}
	_, _ = fmt.Sscan(text, &c.block, &c.call, &c.fed) // absent means the beginning
	return c
}

func (c cursor) String() string { return fmt.Sprint(c.block, c.call, c.fed) }

// rewound is the cursor at the beginning, in the same form as in control.lua.
func rewound(now time.Time) string { return fmt.Sprint(0, 0, 0, now.UnixMicro()) }

// Feed enqueues the next calls of a broadcast. It may be repeated at any time, even concurrently: the ids of
// calls are fixed, and a finished call is not made again.
func (s *Store) Feed(ctx context.Context, id string) (Step, error) {
	now, err := s.clock.Now(ctx)
	if err != nil {
		return Step{}, fmt.Errorf("feed %s: %w", id, err)
	}
	b, err := s.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Step{Over: true}, nil
	}
	if err == nil && b.State == Scheduled {
		b, err = s.change(ctx, id, "", starting)
	}
	if err != nil {
		return Step{}, err
	}
	switch b.State {
	case Running:
		return s.feed(ctx, b, now)
	case Finished, Cancelled:
		return s.retire(ctx, b, now)
	case Scheduled:
		return Step{Wait: min(max(b.Spec.At.Sub(now), stepWait), maxWait), Note: "its time has not come"}, nil
	default:
		return Step{Wait: idleWait(now.Sub(b.Acts[pausing.done].At), stopWait), Note: "the broadcast is " + string(b.State)}, nil
	}
}

// feed enqueues calls of a running broadcast.
func (s *Store) feed(ctx context.Context, b *Broadcast, now time.Time) (Step, error) {
	opens, err := s.keepHours(ctx, b, now)
	if err != nil {
		return Step{}, err
	}
	if !opens.IsZero() {
		return Step{Wait: min(opens.Sub(now), maxWait), Note: "waits for " + opens.Format("15:04") + ", when its hours begin"}, nil
	}
	moved := b.noteProgress(now)
	f := &feeding{store: s, broadcast: b, now: now, cursor: b.cursor, next: b.nextByRate(now)}
	err = f.run(ctx)
	if moved || f.enqueued > 0 || f.cursor != b.cursor {
		err = errors.Join(err, s.saveProgress(ctx, f))
	}
	return Step{Wait: f.waitAfter(), Note: fmt.Sprintf("%d of %d calls are done", b.CallsDone, b.Calls)}, err
}

// waitAfter is how long the feeder may sleep after a step.
func (f *feeding) waitAfter() time.Duration {
	idle := f.now.Sub(f.broadcast.progressAt)
	switch {
	case f.next.After(f.now):
		return min(max(f.next.Sub(f.now), stepWait), maxWait)
	case f.enqueued > 0:
		return stepWait
	case f.cursor.block < f.broadcast.Blocks:
		return idleWait(idle, fullWait)
	default:
		return idleWait(idle, maxWait)
	}
}

// idleWait is an eighth of the time since something last happened, within bounds.
func idleWait(idle, most time.Duration) time.Duration { return min(max(idle/8, stepWait), most) }

// nextByRate is when the broadcast's own rate allows the next recipient.
func (b *Broadcast) nextByRate(now time.Time) time.Time {
	next := time.UnixMilli(b.fedAt)
	if earliest := now.Add(-burst); next.Before(earliest) {
		next = earliest
	}
	return next
}

// noteProgress records when a call last finished. If that is long ago, and nothing was enqueued again since,
// the feeder starts over with the first call. It reports whether anything changed.
func (b *Broadcast) noteProgress(now time.Time) bool {
	if b.progressAt.IsZero() || b.progress != b.CallsDone || b.progressAt.After(now) {
		b.progress, b.progressAt = b.CallsDone, now
		return true
	}
	if b.cursor.fed <= b.CallsDone || now.Sub(b.progressAt) < stalled || now.Sub(b.rewoundAt) < stalled {
		return false
	}
	b.cursor, b.rewoundAt = cursor{text: b.cursor.text}, now
	return true
}

// keepHours stores the end of the current hours for admissions, before any call is enqueued. Outside of
// hours, it returns when the next begin: the queued calls are withdrawn meanwhile, and are enqueued again
// then.
func (s *Store) keepHours(ctx context.Context, b *Broadcast, now time.Time) (opens time.Time, err error) {
	if b.Spec.Between.IsZero() {
		return time.Time{}, nil
	}
	closes, opens := b.Spec.Between.Now(now)
	key := keys.Broadcast(s.app, b.ID)
	if opens.IsZero() {
		err = s.rdb.HSet(ctx, key, "closes_at", closes.UnixMilli()).Err()
	} else {
		err = s.rdb.HSet(ctx, key, "cursor", rewound(now), "progress_at", now.UnixMilli()).Err()
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("feed %s: %w", b.ID, err)
	}
	return opens, nil
}

//go:embed cursor.lua
var cursorSource string

var cursorScript = redis.NewScript(cursorSource)

// saveProgress saves the progress of a step. If the broadcast was paused and resumed meanwhile, it starts
// over with the first call: some that this step enqueued were withdrawn.
func (s *Store) saveProgress(ctx context.Context, f *feeding) error {
	b := f.broadcast
	err := cursorScript.Run(ctx, s.rdb, []string{keys.Broadcast(s.app, b.ID)}, b.cursor.text, f.cursor.String(), f.next.UnixMilli(),
		b.progress, b.progressAt.UnixMilli(), b.rewoundAt.UnixMilli()).Err()
	if err != nil {
		return fmt.Errorf("feed %s: %w", b.ID, err)
	}
	return nil
}

// feeding is one step of the feeder.
type feeding struct {
	store     *Store
	broadcast *Broadcast
	now       time.Time
	cursor    cursor
	next      time.Time // when the broadcast's own rate allows the next recipient

	enqueued int // calls in this step

	trip  []asynqx.Task // of the next round trip
	bytes int           // of their payloads
	size  int           // of the largest payload so far
}

// run enqueues block after block, as far as allowed.
func (f *feeding) run(ctx context.Context) error {
	for f.cursor.block < f.broadcast.Blocks {
		calls, done, err := f.block(ctx)
		if err != nil {
			return err
		}
		for f.cursor.call < len(calls) {
			if !f.may() {
				return f.flush(ctx)
			}
			if err := f.enqueue(ctx, calls[f.cursor.call], done); err != nil {
				return err
			}
			f.cursor.call++
			f.cursor.fed++
		}
		// The cursor must not pass a call that is not in the queue.
		if err := f.flush(ctx); err != nil {
			return err
		}
		f.cursor.block, f.cursor.call = f.cursor.block+1, 0
	}
	return nil
}

// may reports whether another call may be enqueued.
func (f *feeding) may() bool {
	ahead := f.cursor.fed - f.broadcast.CallsDone
	limit := maxAhead
	if f.size > 0 {
		limit = min(limit, max(maxAheadBytes/f.size, 1))
	}
	return ahead < limit && !f.next.After(f.now)
}

// block reads the block at the cursor, and which of its calls are finished.
func (f *feeding) block(ctx context.Context) (compose.Block, []byte, error) {
	s, id := f.store, f.broadcast.ID
	var stored, done *redis.StringCmd
	first := int64(f.cursor.block) * tasks.CallsPerBlock / 8
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HGet(ctx, keys.BroadcastBlocks(s.app, id), strconv.Itoa(f.cursor.block))
		done = p.GetRange(ctx, keys.BroadcastDone(s.app, id), first, first+tasks.CallsPerBlock/8-1)
		return nil
	})
	if errors.Is(err, redis.Nil) {
		return nil, nil, fmt.Errorf("feed %s: block %d is no longer in Redis; cancel the broadcast, and create it again for the remaining recipients",
			id, f.cursor.block)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("feed %s: block %d: %w", id, f.cursor.block, err)
	}
	calls, err := compose.DecodeBlock([]byte(stored.Val()))
	if err != nil {
		return nil, nil, fmt.Errorf("feed %s: block %d: %w", id, f.cursor.block, err)
	}
	return calls, []byte(done.Val()), nil
}

// enqueue adds the call at the cursor to the next round trip, unless it is finished.
func (f *feeding) enqueue(ctx context.Context, call compose.Call, done []byte) error {
	if isMarked(done, f.cursor.call) {
		return nil
	}
	payload, err := f.payload(call)
	if err != nil {
		return err
	}
	if rate := f.broadcast.Spec.Rate; rate > 0 {
		f.next = f.next.Add(time.Duration(len(call.Users)) * time.Minute / time.Duration(rate))
	}
	task := asynqx.NewTask(payload, 0, time.Time{})
	task.Replaces = true // a call archived in the dashboard has no outcome
	f.trip = append(f.trip, task)
	f.bytes += len(payload.Body)
	f.size = max(f.size, len(payload.Body))
	if len(f.trip) == tasksPerTrip || f.bytes >= bytesPerTrip {
		return f.flush(ctx)
	}
	return nil
}

// payload builds the message of the call at the cursor.
func (f *feeding) payload(call compose.Call) (tasks.Payload, error) {
	b := f.broadcast
	body, err := b.Spec.Template.Body(call)
	if err != nil {
		return tasks.Payload{}, fmt.Errorf("feed %s: block %d, call %d: %w", b.ID, f.cursor.block, f.cursor.call, err)
	}
	id := tasks.BroadcastCall{Broadcast: b.ID, Block: f.cursor.block, Call: f.cursor.call}.ID()
	return tasks.Payload{
		ID: id, App: b.App, Priority: tasks.Bulk, Type: b.Spec.Template.Type(), Body: body,
		EnqueuedAt: f.now, ExpiresAt: b.ExpiresAt(), Actor: b.Spec.CreatedBy,
	}, nil
}

// flush enqueues the collected calls. A call already in the queue is not changed.
func (f *feeding) flush(ctx context.Context) error {
	if len(f.trip) == 0 {
		return nil
	}
	var all error
	for _, result := range asynqx.BulkEnqueue(ctx, f.store.rdb, f.now, f.trip) {
		if result.Err != nil && !errors.Is(result.Err, asynq.ErrTaskIDConflict) {
			all = result.Err
		}
	}
	if all != nil { // from the beginning of the block: calls already in the queue do no harm
		f.cursor.fed -= f.cursor.call
		f.cursor.call = 0
		return fmt.Errorf("feed %s: %w", f.broadcast.ID, all)
	}
	f.trip, f.bytes = f.trip[:0], 0
	return nil
}

// retire sets the final TTL of the keys of a finished broadcast.
func (s *Store) retire(ctx context.Context, b *Broadcast, now time.Time) (Step, error) {
	if b.State == Cancelled && b.Counts.Pending > 0 {
		return Step{Wait: idleWait(now.Sub(b.FinishedAt), stopWait), Note: "cancelled; waits for attempted calls"}, nil
	}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range s.keysOf(b) {
			p.PExpire(ctx, key, s.recordTTL)
		}
		return nil
	})
	if err != nil {
		return Step{}, fmt.Errorf("broadcast %s: %w", b.ID, err)
	}
	return Step{Over: true}, nil
}

// keysOf are all keys of a broadcast.
func (s *Store) keysOf(b *Broadcast) []string {
	key := keys.Broadcast(s.app, b.ID)
	all := []string{
		key, keys.BroadcastBlocks(s.app, b.ID), keys.BroadcastDone(s.app, b.ID),
		keys.BroadcastOpen(s.app, b.ID), keys.BroadcastMinutes(s.app, b.ID), keys.BroadcastRecalled(s.app, b.ID),
	}
	for block := range b.Blocks {
		all = append(all, keys.BroadcastOutcomes(s.app, b.ID, strconv.Itoa(block)))
	}
	return all
}
