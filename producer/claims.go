package producer

import (
	"context"
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// The scripts are sent with EVAL: few messages need them, and a whole batch takes one round trip whether or
// not Redis has cached the scripts.
var (
	//go:embed follow.lua
	followScript string
	//go:embed release.lua
	releaseScript string
)

// claims settles the claims of one batch: one round trip for all messages with a
// key, one for all with duplicate check, one more if earlier messages were found, and
// one more if any of those is in parts. A step that no message needs costs nothing.
type claims struct {
	rdb       redis.UniversalClient
	app       string
	recordTTL time.Duration
	now       time.Time
}

// kind describes how the two kinds of claims differ.
type kind struct {
	key func(d *draft) string
	// older is the key where the previous version kept the claim, "" if it has not changed. That version
	// stored no digests: a claim with one belongs to another message.
	older func(d *draft) string
	// says makes it an error if a message contradicts the first one.
	says bool
	ttl  func(d *draft) time.Duration
	// takeover says when a draft takes over the claim of another message.
	takeover func(d *draft) takeover
}

// takeover says when a claim passes to the next message that asks; follow.lua uses the numbers.
type takeover int

const (
	takeNever  takeover = iota
	takeIfLost          // if the message that holds it will not arrive
	takeAlways          // also if it will, but at another time
)

func (c *claims) byKey() kind {
	return kind{
		key:   func(d *draft) string { return d.byKey(c.app) },
		older: func(d *draft) string { return d.olderKey(c.app) },
		says:  true,
		ttl:   func(d *draft) time.Duration { return c.recordTTL + c.delay(d) },

		takeover: func(*draft) takeover { return takeNever },
	}
}

func (c *claims) byBytes() kind {
	return kind{
		key:   func(d *draft) string { return d.byBytes(c.app) },
		older: func(*draft) string { return "" },
		// A claim that outlives the record would lead to a message without a known outcome; WeCom itself
		// drops the repeat then.
		ttl: func(d *draft) time.Duration { return min(d.window, c.recordTTL) + c.delay(d) },
		takeover: func(d *draft) takeover {
			if d.own.within(d.window, d.place) {
				return takeIfLost
			}
			return takeAlways
		},
	}
}

// delay is how long a scheduled message waits.
func (c *claims) delay(d *draft) time.Duration { return d.schedule.due.Sub(c.now) }

// settle gives every draft its place.
func (c *claims) settle(ctx context.Context, drafts []*draft) {
	keyed := chosen(drafts, func(d *draft) bool { return d.keyed })
	c.take(ctx, c.byKey(), keyed)
	for _, d := range keyed {
		if d.place.id == d.own.id {
			d.own = d.place // an earlier message with the key determines the queue
		}
	}
	checked := chosen(drafts, func(d *draft) bool { return d.window > 0 && d.open() && d.place.id == d.own.id })
	c.take(ctx, c.byBytes(), checked)
	c.repoint(ctx, chosen(checked, func(d *draft) bool { return d.keyed && d.place.id != d.own.id }))
	c.complete(ctx, chosen(drafts, func(d *draft) bool { return d.attempted && d.place.parts > 1 && d.result.Err == nil }))
}

func chosen(drafts []*draft, choose func(*draft) bool) []*draft {
	var some []*draft
	for _, d := range drafts {
		if choose(d) {
			some = append(some, d)
		}
	}
	return some
}

// take sets the claims that are free. If a claim is already held, the draft gets the place of the message
// that holds it.
func (c *claims) take(ctx context.Context, k kind, drafts []*draft) {
	if len(drafts) == 0 {
		return
	}
	taken := make([]taking, len(drafts))
	err := c.pipelined(ctx, func(p redis.Pipeliner) {
		for i, d := range drafts {
			taken[i] = c.ask(ctx, p, k, d)
		}
	})
	if err != nil {
		fail(drafts, err)
		return
	}
	var followers []*draft
	for i, d := range drafts {
		c.settlePlace(k, d, taken[i])
		if d.place.id != d.own.id {
			followers = append(followers, d)
		}
	}
	c.follow(ctx, k, chosen(followers, (*draft).open))
}

// taking is the request for one claim.
type taking struct {
	set           *redis.StatusCmd
	holder, older *redis.StringCmd // older is nil if there is none
	record        *redis.SliceCmd
}

func (c *claims) ask(ctx context.Context, p redis.Pipeliner, k kind, d *draft) taking {
	key := k.key(d)
	t := taking{
		set:    p.SetArgs(ctx, key, d.own.String(), redis.SetArgs{Mode: "NX", TTL: k.ttl(d)}),
		holder: p.Get(ctx, key), record: p.HMGet(ctx, keys.Record(c.app, d.own.id), "state", "parts"),
	}
	if older := k.older(d); older != "" {
		t.older = p.Get(ctx, older)
	}
	return t
}

// held returns the valid claim, and its value as read.
func (t taking) held(app string) (first claim, read string, ok bool) {
	if t.older != nil {
		if first, ok := parseClaim(app, t.older.Val()); ok && first.digest == "" {
			return first, t.older.Val(), true
		}
	}
	first, ok = parseClaim(app, t.holder.Val())
	return first, t.holder.Val(), ok
}

// settlePlace gives a draft the place named by its claim.
func (c *claims) settlePlace(k kind, d *draft, t taking) {
	if t.set.Err() == nil {
		d.held = append(d.held, k.key(d))
	}
	if first, read, ok := t.held(c.app); ok {
		d.place, d.met = first, read
	}
	if k.says && d.place.contradicts(d.own) {
		d.result.Err = &tasks.KeyReuseError{ID: d.place.id}
		return
	}
	// A record with the draft's own id belongs to an earlier message with the same key, and outlives the
	// claim.
	if state, parts := readRecord(t.record); state != tasks.None {
		d.found(state)
		if d.place.id == d.own.id {
			d.place.parts = parts
		}
	}
}

// readRecord returns the state of a message, or of its first part, and its number of
// parts.
func readRecord(cmd *redis.SliceCmd) (tasks.State, int) {
	var fields [2]string
	for i, value := range cmd.Val() {
		fields[i], _ = value.(string)
	}
	parts, _ := strconv.Atoi(fields[1]) // 0 without the field: the message was not split
	return tasks.State(fields[0]), parts
}

// follow looks for the records of the messages whose places are taken.
func (c *claims) follow(ctx context.Context, k kind, drafts []*draft) {
	if len(drafts) == 0 {
		return
	}
	states := make([]*redis.Cmd, len(drafts))
	err := c.pipelined(ctx, func(p redis.Pipeliner) {
		for i, d := range drafts {
			states[i] = p.Eval(ctx, followScript, []string{k.key(d), keys.Record(c.app, d.place.id)},
				d.met, d.own.String(), k.ttl(d).Milliseconds(), int(k.takeover(d)))
		}
	})
	if err != nil {
		fail(drafts, err)
		return
	}
	var late []*draft
	for i, d := range drafts {
		switch state, _ := states[i].Text(); state {
		case "":
		case "yours":
			d.place = d.own
			d.held = append(d.held, k.key(d))
		case "taken":
			d.place = d.own
			late = append(late, d)
		default:
			d.found(tasks.State(state))
		}
	}
	c.take(ctx, k, late) // this terminates: whenever a draft loses a claim, another message has it
}

// complete looks for the records of all parts of a message whose first part was attempted. A part without a
// record is either still in the queue, or was never enqueued because its sender died. The repeat enqueues it
// in both cases: asynq refuses a part that is there already.
func (c *claims) complete(ctx context.Context, drafts []*draft) {
	if len(drafts) == 0 {
		return
	}
	states := make([][]*redis.StringCmd, len(drafts))
	err := c.pipelined(ctx, func(p redis.Pipeliner) {
		for i, d := range drafts {
			for n := range d.place.parts {
				states[i] = append(states[i], p.HGet(ctx, keys.Record(c.app, tasks.PartID(d.place.id, n+1)), "state"))
			}
		}
	})
	if err != nil {
		fail(drafts, err)
		return
	}
	for i, d := range drafts {
		d.foundParts(states[i])
	}
}

// repoint changes the idempotency keys of messages that were found by their bytes: the keys now point to the
// earlier message, because their own ids will never be used.
func (c *claims) repoint(ctx context.Context, drafts []*draft) {
	if len(drafts) == 0 {
		return
	}
	k := c.byKey()
	err := c.pipelined(ctx, func(p redis.Pipeliner) {
		for _, d := range drafts {
			place := d.place
			place.digest = d.own.digest
			p.SetArgs(ctx, k.key(d), place.String(), redis.SetArgs{TTL: k.ttl(d)})
		}
	})
	if err != nil {
		fail(drafts, err)
	}
}

// release deletes the claims of messages that Redis refused. The claims stay if it is unknown whether Redis
// took the message, or if it took some parts: a repeat then takes the place and enqueues what is missing.
func (c *claims) release(ctx context.Context, drafts []*draft) {
	refused := chosen(drafts, func(d *draft) bool {
		return len(d.held) > 0 && d.settled == 0 && isRefusal(d.result.Err)
	})
	if len(refused) == 0 {
		return
	}
	// Errors are ignored: a remaining claim does no harm.
	_ = c.pipelined(context.WithoutCancel(ctx), func(p redis.Pipeliner) {
		for _, d := range refused {
			for _, key := range d.held {
				p.Eval(ctx, releaseScript, []string{key}, d.own.String())
			}
		}
	})
}

// isRefusal reports whether an enqueue has certainly failed, rather than just not been confirmed.
func isRefusal(err error) bool {
	if _, unconfirmed := errors.AsType[*RedisError](err); !unconfirmed {
		return err != nil
	}
	_, said := errors.AsType[redis.Error](err)
	return said
}

// pipelined runs commands in one round trip. A key that does not exist is not an error.
func (c *claims) pipelined(ctx context.Context, queue func(p redis.Pipeliner)) error {
	cmds, _ := c.rdb.Pipelined(durability.Promised(ctx), func(p redis.Pipeliner) error {
		queue(p)
		return nil
	})
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return &RedisError{Err: err}
		}
	}
	return nil
}

func fail(drafts []*draft, err error) {
	for _, d := range drafts {
		d.result.Err = err
	}
}
