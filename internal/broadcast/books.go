package broadcast

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// books is a consistent snapshot of a broadcast's records.
type books struct {
	*Broadcast

	sums    map[string]int // recipients that have an outcome, by state
	settled int            // the sum of sums
	marked  int            // calls marked as finished
	blocks  int            // existing blocks
}

// summed are the states that have a sum.
var summed = []string{
	stateAccepted, stateInvalid, stateUnlicensed, string(tasks.Rejected), string(tasks.Unknown), string(tasks.Expired), stateCancelled,
}

func (s *Store) books(ctx context.Context, id string) (*books, error) {
	var fields *redis.MapStringStringCmd
	var open *redis.StringSliceCmd
	var marked, blocks *redis.IntCmd
	_, err := s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		fields = p.HGetAll(ctx, keys.Broadcast(s.app, id))
		open = p.HVals(ctx, keys.BroadcastOpen(s.app, id))
		marked = p.BitCount(ctx, keys.BroadcastDone(s.app, id), nil)
		blocks = p.HLen(ctx, keys.BroadcastBlocks(s.app, id))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("books of %s: %w", id, err)
	}
	if len(fields.Val()) == 0 {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	b, err := readBroadcast(s.app, id, fields.Val(), open.Val())
	if err != nil {
		return nil, err
	}
	found := &books{Broadcast: b, sums: map[string]int{}, marked: int(marked.Val()), blocks: int(blocks.Val())}
	for _, state := range summed {
		found.sums[state], _ = strconv.Atoi(fields.Val()[state]) // absent is zero
	}
	found.settled, _ = strconv.Atoi(fields.Val()["settled"])
	return found, nil
}

// BookCheck configures a check of the records of a broadcast.
type BookCheck struct {
	// SumsOnly skips the calls: only the sums are compared with each other.
	SumsOnly bool
	// Each wraps the work on one block.
	Each func(recipients int, work func() error) error
	// Found is called for each inconsistency.
	Found func(text string) error
}

// CheckBooks checks the records of a broadcast: its sums add up, exactly the calls marked as finished have an
// outcome, and the outcomes of all recipients match the sums. It holds one block in memory at a time. While
// calls are finishing, the sums of the states change, so only their total is compared.
func (s *Store) CheckBooks(ctx context.Context, id string, c BookCheck) (*Broadcast, error) {
	before, err := s.books(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := c.sums(before); err != nil || c.SumsOnly {
		return before.Broadcast, err
	}
	counted, recipients := map[string]int{}, 0
	for block := range before.Blocks {
		err := c.Each(min(compose.MaxBlockRecipients, before.Recipients), func() error {
			n, err := s.checkBlock(ctx, before.Broadcast, block, counted, c)
			recipients += n
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	after, err := s.books(ctx, id)
	if err != nil {
		return nil, err
	}
	if recipients != before.Recipients && before.blocks == before.Blocks {
		if err := c.found("its blocks have %d recipients, it says %d", recipients, before.Recipients); err != nil {
			return nil, err
		}
	}
	return after.Broadcast, c.compare(before, after, counted)
}

func (c BookCheck) found(format string, args ...any) error {
	return c.Found(fmt.Sprintf(format, args...))
}

// sums compares the values of one snapshot.
func (c BookCheck) sums(b *books) error {
	var problems []error
	sum := 0
	for _, n := range b.sums {
		sum += n
	}
	if sum != b.settled || sum > b.Recipients {
		problems = append(problems, c.found("%d recipients have an outcome, its states add up to %d, and it has %d recipients", b.settled, sum, b.Recipients))
	}
	if b.marked != b.CallsDone || b.CallsDone > b.Calls {
		problems = append(problems, c.found("%d calls have ended, %d are marked as ended, and it has %d", b.CallsDone, b.marked, b.Calls))
	}
	if b.blocks != b.Blocks {
		problems = append(problems, c.found("%d blocks of recipients are there of %d", b.blocks, b.Blocks))
	}
	return errors.Join(problems...)
}

// compare compares the sums with a count made between two snapshots.
func (c BookCheck) compare(before, after *books, counted map[string]int) error {
	if !maps.Equal(before.sums, after.sums) {
		all := 0
		for _, n := range counted {
			all += n
		}
		if all < before.settled || all > after.settled {
			return c.found("%d recipients have an outcome in its blocks, its sums say %d to %d", all, before.settled, after.settled)
		}
		return nil
	}
	var problems []error
	for _, state := range summed {
		if counted[state] != after.sums[state] {
			problems = append(problems, c.found("%d recipients are %s by the outcomes of its calls, its sum says %d", counted[state], state, after.sums[state]))
		}
	}
	return errors.Join(problems...)
}

// checkBlock compares the outcomes of a block's calls with their marks, and adds up the recipients that have
// one. It returns the number of recipients in the block.
func (s *Store) checkBlock(ctx context.Context, b *Broadcast, block int, counted map[string]int, c BookCheck) (recipients int, err error) {
	var stored, marks *redis.StringCmd
	var ended *redis.StringSliceCmd
	first := int64(block) * tasks.CallsPerBlock / 8
	_, err = s.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HGet(ctx, keys.BroadcastBlocks(s.app, b.ID), strconv.Itoa(block))
		marks = p.GetRange(ctx, keys.BroadcastDone(s.app, b.ID), first, first+tasks.CallsPerBlock/8-1)
		ended = p.LRange(ctx, keys.BroadcastOutcomes(s.app, b.ID, strconv.Itoa(block)), 0, -1)
		return nil
	})
	if errors.Is(err, redis.Nil) {
		return 0, c.found("block %d is no longer in Redis", block)
	}
	if err != nil {
		return 0, fmt.Errorf("books of %s: block %d: %w", b.ID, block, err)
	}
	calls, err := compose.DecodeBlock([]byte(stored.Val()))
	if err != nil {
		return 0, c.found("block %d: %s", block, err)
	}
	r := newBlockReport(calls, b)
	outcomes := map[int]bool{}
	for _, text := range ended.Val() {
		o, err := readOutcome(text)
		if err != nil {
			return 0, c.found("block %d: %s", block, err)
		}
		r.add(o)
		if !o.followUp {
			outcomes[o.call] = true
		}
	}
	for _, row := range r.rows {
		if !row.At.IsZero() {
			counted[row.State]++
		}
	}
	return len(r.rows), c.marks([]byte(marks.Val()), outcomes, block, len(calls))
}

// marks compares the calls marked as finished with those that have an outcome.
func (c BookCheck) marks(marks []byte, outcomes map[int]bool, block, calls int) error {
	var problems []error
	for call := range tasks.CallsPerBlock {
		switch marked := isMarked(marks, call); {
		case (marked || outcomes[call]) && call >= calls:
			problems = append(problems, c.found("block %d has %d calls, and an outcome or a mark of call %d", block, calls, call))
		case marked && !outcomes[call]:
			problems = append(problems, c.found("block %d: call %d is marked as ended and has no outcome", block, call))
		case !marked && outcomes[call]:
			problems = append(problems, c.found("block %d: call %d has an outcome and is not marked as ended", block, call))
		}
	}
	return errors.Join(problems...)
}

// isMarked reports whether the bit of a call of the block is set.
func isMarked(marks []byte, call int) bool {
	return call/8 < len(marks) && marks[call/8]&(0x80>>(call%8)) != 0
}
