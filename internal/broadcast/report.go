package broadcast

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Further states of a recipient, besides those of a message that was not accepted: rejected, unknown, expired
// and cancelled.
const (
	stateAccepted   = "accepted"
	stateInvalid    = "invalid"    // not a member, or outside the app's visible range
	stateUnlicensed = "unlicensed" // without a licence for the API
	statePending    = "pending"
	stateCancelled  = "cancelled"
)

// RecipientStates lists all of them.
func RecipientStates() []string { return append(slices.Clip(summed), statePending) }

// possibleDuplicate is the reason given with an acceptance after an unanswered call.
const possibleDuplicate = "WeCom may have delivered it twice: an earlier call got no answer"

// Row is the outcome of one recipient.
type Row struct {
	Recipient string `json:"recipient"`
	State     string `json:"state" enum:"accepted,invalid,unlicensed,rejected,unknown,expired,cancelled,pending"`
	ErrCode   int64  `json:"errcode"`
	ErrMsg    string `json:"errmsg"`
	MsgID     string `json:"msgid"`
	// At is when the outcome was recorded, to the second; zero without one.
	At time.Time `json:"at,omitzero"`

	columns []string
}

// Report yields all recipients, block by block.
func (s *Store) Report(ctx context.Context, id string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		b, err := s.Get(ctx, id)
		if err != nil {
			yield(Row{}, err)
			return
		}
		open, err := s.openCalls(ctx, b)
		if err != nil {
			yield(Row{}, err)
			return
		}
		for block := range b.Blocks {
			rows, err := s.reportBlock(ctx, b, block, open)
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// openCalls returns the calls of a cancelled broadcast that were attempted and are not finished, by name.
// None is added after the cancellation, so a report reads them once.
func (s *Store) openCalls(ctx context.Context, b *Broadcast) ([]string, error) {
	if b.State != Cancelled {
		return nil, nil
	}
	names, err := s.rdb.HKeys(ctx, keys.BroadcastOpen(s.app, b.ID)).Result()
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", b.ID, err)
	}
	return names, nil
}

// reportBlock is the report of one block; open is the result of openCalls.
func (s *Store) reportBlock(ctx context.Context, b *Broadcast, block int, open []string) ([]Row, error) {
	var stored *redis.StringCmd
	var ended *redis.StringSliceCmd
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		stored = p.HGet(ctx, keys.BroadcastBlocks(s.app, b.ID), strconv.Itoa(block))
		ended = p.LRange(ctx, keys.BroadcastOutcomes(s.app, b.ID, strconv.Itoa(block)), 0, -1)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("report of %s: %w", b.ID, err)
	}
	calls, err := compose.DecodeBlock([]byte(stored.Val()))
	if err != nil {
		return nil, fmt.Errorf("report of %s: block %d: %w", b.ID, block, err)
	}
	r := newBlockReport(calls, b)
	for _, text := range ended.Val() {
		o, err := readOutcome(text)
		if err != nil {
			return nil, err
		}
		r.add(o)
	}
	r.markTried(open, block)
	return r.rows, nil
}

// blockReport collects the rows of a block.
type blockReport struct {
	broadcast *Broadcast
	rows      []Row
	first     []int          // the first row of each call
	byUser    map[string]int // rows by user in lower case
}

// newBlockReport begins with recipients without an outcome.
func newBlockReport(calls compose.Block, b *Broadcast) *blockReport {
	r := &blockReport{broadcast: b, byUser: map[string]int{}, first: make([]int, 0, len(calls)+1)}
	for _, call := range calls {
		r.first = append(r.first, len(r.rows))
		for _, user := range call.Users {
			r.byUser[strings.ToLower(user)] = len(r.rows)
			r.rows = append(r.rows, Row{Recipient: user, State: r.unended(), columns: call.Columns})
		}
	}
	r.first = append(r.first, len(r.rows))
	return r
}

// unended is the state of a recipient whose call is not finished.
func (r *blockReport) unended() string {
	if r.broadcast.State == Cancelled {
		return stateCancelled
	}
	return statePending
}

// call returns the rows of a call.
func (r *blockReport) call(n int) []Row {
	if n >= len(r.first)-1 {
		return nil
	}
	return r.rows[r.first[n]:r.first[n+1]]
}

// add applies an outcome to its recipients. A later one of the same call replaces the first.
func (r *blockReport) add(o outcome) {
	result := Row{
		State: string(o.state), ErrCode: o.errcode, ErrMsg: o.errmsg, MsgID: o.msgid,
		At: r.broadcast.CreatedAt.Add(o.after).Truncate(time.Second),
	}
	switch {
	case o.state == tasks.Partial:
		result.State, result.ErrMsg = stateAccepted, ""
	case o.state == tasks.Rejected && o.errcode == int64(wecom.CodeAllInvalid):
		result.State = stateInvalid
	}
	refused := result
	if o.twice {
		result.ErrMsg = possibleDuplicate
	}
	waiting := make(map[string]bool, len(o.waiting)) // for a follow-up, which has its own outcome
	for _, user := range o.waiting {
		waiting[user] = true
	}
	if o.followUp {
		r.set(slices.DeleteFunc(o.users, func(user string) bool { return waiting[strings.ToLower(user)] }), result)
	} else {
		rows := r.call(o.call)
		for i := range rows {
			if !waiting[strings.ToLower(rows[i].Recipient)] {
				rows[i].take(result)
			}
		}
	}
	refused.State = stateInvalid
	r.set(o.invalid, refused)
	refused.State = stateUnlicensed
	r.set(o.unlicensed, refused)
}

func (r *blockReport) set(users []string, result Row) {
	for _, user := range users {
		if n, ok := r.byUser[strings.ToLower(user)]; ok {
			r.rows[n].take(result)
		}
	}
}

// take copies a result.
func (r *Row) take(result Row) {
	result.Recipient, result.columns = r.Recipient, r.columns
	*r = result
}

// markTried sets recipients to pending whose call was attempted and is not finished: a cancelled broadcast
// still waits for its outcome.
func (r *blockReport) markTried(open []string, block int) {
	for _, name := range open {
		call, ok := tasks.ParseBroadcastCall(r.broadcast.ID + "." + name)
		if !ok || call.Block != block {
			continue
		}
		rows := r.call(call.Call)
		for i := range rows {
			if rows[i].At.IsZero() {
				rows[i].State = statePending
			}
		}
	}
}
