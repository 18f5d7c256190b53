package broadcast

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// ErrNothingToReplay is a replay without recipients.
var ErrNothingToReplay = errors.New("no recipients to replay it for")

// Replay selects the recipients of a replay: those who did not get the broadcast.
type Replay struct {
	// ErrCode selects those whose call had it; 0 selects all.
	ErrCode int64 `json:"errcode,omitempty" doc:"Only for recipients whose call had this errcode of WeCom"`
	// IncludeUnknown adds those who may have got it: some of them get it twice.
	IncludeUnknown bool `json:"include_unknown,omitempty" doc:"Also for those who may have got it, and may get it twice"`
}

func (r Replay) has(row Row) bool {
	switch row.State {
	case stateInvalid, stateUnlicensed, string(tasks.Rejected), string(tasks.Expired):
	case string(tasks.Unknown):
		if !r.IncludeUnknown {
			return false
		}
	default:
		return false
	}
	return r.ErrCode == 0 || r.ErrCode == row.ErrCode
}

// draft is the draft of the replay of a broadcast.
func (r Replay) draft(id string) Draft {
	return Draft{Key: fmt.Sprintf("replay\x00%s\x00%d\x00%t", id, r.ErrCode, r.IncludeUnknown)}
}

// replays are the earlier replays of a broadcast. Its outcomes do not change, so each of them covered all the
// recipients that it selects.
func (s *Store) replays(ctx context.Context, old *Broadcast) ([]Replay, error) {
	choices := []Replay{{}, {IncludeUnknown: true}}
	for code := range old.Errcodes {
		choices = append(choices, Replay{ErrCode: code}, Replay{ErrCode: code, IncludeUnknown: true})
	}
	states := make([]*redis.StringCmd, len(choices))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, r := range choices {
			states[i] = p.HGet(ctx, keys.Broadcast(s.app, r.draft(old.ID).id(s.app, "")), "state")
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) { // Nil means none
		return nil, fmt.Errorf("replays of %s: %w", old.ID, err)
	}
	var made []Replay
	for i, r := range choices {
		if state := State(states[i].Val()); state != "" && state != Creating {
			made = append(made, r)
		}
	}
	return made, nil
}

// Replay creates a broadcast with the same content for the recipients of a finished one who did not get it
// and were in no earlier replay. A repeat with the same selection finds the first replay.
func (d *Desk) Replay(ctx context.Context, id string, r Replay, by string) (b *Broadcast, duplicate bool, err error) {
	defer func() { activity.Record(ctx, activity.ReplayBroadcast, d.app, id, err) }()
	old, err := d.Get(ctx, id)
	if err != nil {
		return nil, false, err
	}
	if !old.State.Over() || (old.State == Cancelled && old.Counts.Pending > 0) {
		return nil, false, &StateError{id, old.State, "replayed"}
	}
	unlock, err := d.lockReplays(ctx, id)
	if err != nil {
		return nil, false, err
	}
	defer unlock()
	made, err := d.replays(ctx, old)
	if err != nil {
		return nil, false, err
	}
	draft := r.draft(id)
	if slices.Contains(made, r) {
		if b, err = d.Get(ctx, draft.id(d.app, "")); err == nil {
			b, err = d.Start(ctx, b.ID, b.Digest) // the creation may have stopped just before this step
		}
		return b, true, err
	}
	if draft.List, err = d.compileReplay(ctx, old, func(row Row) bool {
		return r.has(row) && !slices.ContainsFunc(made, func(m Replay) bool { return m.has(row) })
	}); err != nil {
		return nil, false, err
	}
	defer func() { _ = draft.List.Close() }()
	draft.Spec = old.Spec
	draft.Spec.At, draft.Spec.CreatedBy, draft.Spec.ReplayOf = time.Time{}, by, id
	draft.Spec.NeedsApproval = d.MustBeApproved(draft.List.Summary.Recipients)
	return d.Create(ctx, draft)
}

// compileReplay builds the calls for the selected recipients.
func (d *Desk) compileReplay(ctx context.Context, old *Broadcast, has func(Row) bool) (*compose.Compiled, error) {
	from, to := io.Pipe()
	defer func() { _ = from.Close() }() // also ends the writer
	var chosen int
	written := make(chan struct{})
	go func() {
		defer close(written)
		var err error
		chosen, err = d.writeList(ctx, to, old, has)
		_ = to.CloseWithError(err) // nil means the end of the list
	}()
	list, err := compose.Compile(ctx, from, old.Spec.Template, compose.Options{Encoding: "utf-8", Header: compose.HeaderYes})
	_ = from.Close()
	<-written
	if err != nil && chosen == 0 && errors.As(err, new(*compose.ListError)) {
		return nil, fmt.Errorf("%s: %w", old.ID, ErrNothingToReplay)
	}
	return list, err
}

// writeList writes the selected recipients as a list, with the columns of the template.
func (d *Desk) writeList(ctx context.Context, to io.Writer, old *Broadcast, has func(Row) bool) (chosen int, err error) {
	out := csv.NewWriter(to)
	names := old.Spec.Template.Columns()
	// A template may use the userid, which is then the recipient column.
	named := slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, compose.UserColumn) })
	if !named {
		names = append([]string{compose.UserColumn}, names...)
	}
	if err := out.Write(names); err != nil {
		return 0, err
	}
	for row, err := range d.Report(ctx, old.ID) {
		if err != nil {
			return chosen, err
		}
		if !has(row) {
			continue
		}
		chosen++
		cells := row.columns
		if !named {
			cells = append([]string{row.Recipient}, cells...)
		}
		if err := out.Write(cells); err != nil {
			return chosen, err
		}
	}
	out.Flush()
	return chosen, out.Error()
}
