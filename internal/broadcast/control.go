package broadcast

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
)

//go:embed control.lua
var controlSource string

var controlScript = redis.NewScript(controlSource)

// begins is the target state of an action that starts a broadcast at its time.
const begins State = "begin"

// action is a requested change of state.
type action struct {
	done string // the verb in its record
	from []State
	to   State
	// idle are the states in which the action has no effect.
	idle     []State
	recorded activity.Action
	// may returns why an actor is not allowed; nil allows all.
	may func(b *Broadcast, actor string) error
}

var (
	pausing    = action{"paused", []State{Running, Scheduled}, Paused, []State{Paused}, activity.PauseBroadcast, nil}
	resuming   = action{"resumed", []State{Paused}, begins, []State{Running, Scheduled}, activity.ResumeBroadcast, nil}
	cancelling = action{
		"cancelled", []State{Creating, AwaitingApproval, Scheduled, Running, Paused}, Cancelled, []State{Cancelled}, activity.CancelBroadcast, nil,
	}
	approving = action{"approved", []State{AwaitingApproval}, begins, []State{Running, Scheduled}, activity.ApproveBroadcast, (*Broadcast).MayApprove}
	starting  = action{"", []State{Scheduled}, begins, []State{Running, Paused, Cancelled, Finished}, "", nil}
)

// StateError is an action that the state of the broadcast does not allow.
type StateError struct {
	ID    string
	State State
	Done  string
}

// Error has the state and the action.
func (e *StateError) Error() string {
	return fmt.Sprintf("%s is %s: it cannot be %s", e.ID, strings.ReplaceAll(string(e.State), "_", " "), e.Done)
}

// ErrOwnApproval is an approval by the broadcast's creator.
var ErrOwnApproval = errors.New("the creator of a broadcast cannot approve it: somebody else must")

// Pause pauses a broadcast. Calls in flight are finished; no others are made.
func (s *Store) Pause(ctx context.Context, id, actor string) (*Broadcast, error) {
	return s.change(ctx, id, actor, pausing)
}

// Resume resumes a paused broadcast.
func (s *Store) Resume(ctx context.Context, id, actor string) (*Broadcast, error) {
	return s.change(ctx, id, actor, resuming)
}

// Cancel ends a broadcast: recipients who were not reached count as cancelled.
func (s *Store) Cancel(ctx context.Context, id, actor string) (*Broadcast, error) {
	return s.change(ctx, id, actor, cancelling)
}

// Approve starts a broadcast that awaits approval; actor must not be its creator.
func (s *Store) Approve(ctx context.Context, id, actor string) (*Broadcast, error) {
	return s.change(ctx, id, actor, approving)
}

// MayApprove returns [ErrOwnApproval] for the creator of a broadcast that awaits approval.
func (b *Broadcast) MayApprove(actor string) error {
	if b.State == AwaitingApproval && (actor == "" || actor == b.Spec.CreatedBy) {
		return ErrOwnApproval
	}
	return nil
}

// change makes a change of state, which may already have been made.
func (s *Store) change(ctx context.Context, id, actor string, a action) (b *Broadcast, err error) {
	defer func() { activity.Record(ctx, a.recorded, s.app, id, err) }()
	b, err = s.Get(ctx, id)
	if err == nil && a.may != nil {
		err = a.may(b, actor)
	}
	if err != nil {
		return nil, err
	}
	var at int64
	if !b.Spec.At.IsZero() {
		at = b.Spec.At.UnixMilli()
	}
	reply, err := controlScript.Run(durability.Promised(ctx), s.rdb, []string{keys.Broadcast(s.app, id)},
		ledger.StatesList(a.from), string(a.to), at, a.done, actor).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("broadcast %s: %w", id, err)
	}
	before, changed := State(reply[0]), reply[1] == "1"
	if !changed && !slices.Contains(a.idle, before) {
		return nil, &StateError{id, before, a.done}
	}
	if a.to == begins {
		if err := s.wakeFeeder(ctx, id, b.Spec.At); err != nil {
			return nil, err
		}
	}
	return s.Get(ctx, id)
}
