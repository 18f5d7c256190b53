package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/groupcommit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// resultsKept is about how many ended messages the stream of results keeps.
const resultsKept = 10_000

const (
	// settledTogether is how many outcomes are written in one round trip.
	settledTogether = 64
	// goneTogether is how many records are updated in one round trip after their tasks are gone.
	goneTogether = 256
)

// settlement is what to write about one message.
type settlement struct {
	tasks.Settlement

	id      string
	payload []byte // nil if it is lost, or not needed
	begin   []any  // field, value, … of a new record
	begins  bool   // the record may not exist yet
	fields  []any  // that this settlement sets
}

// Settle records the outcome of an attempt, and returns the whole record. A record changes its state only as the
// table of package tasks allows: a final state stays, unless WeCom turns out to have taken the message.
// Concurrent settlements share one round trip.
func (l *Ledger) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	var payload []byte
	if s.State.Final() && s.State != tasks.Accepted {
		payload = tasks.Encode(p)
	}
	settled := settlement{s, p.ID, payload, BeginFields(p), false, settleFields(s)}
	record, err := l.settlements.Do(ctx, settled)
	if errors.Is(err, errNoRecord) { // it was never admitted
		settled.begins = true
		record, err = l.settlements.Do(ctx, settled)
	}
	return record, err
}

var errNoRecord = errors.New("there is no record yet")

// SettleLost ends a message whose task and payload are gone: it can no longer be sent. Fields that its record
// lacks are taken from r.
func (l *Ledger) SettleLost(ctx context.Context, r tasks.Record, s tasks.Settlement) (tasks.Record, error) {
	begin := appendAddressees([]any{
		fieldType, string(r.Type), fieldPriority, string(r.Priority), fieldEnqueuedAt, r.EnqueuedAt.UnixMilli(),
	}, strings.Join(r.To.Users, listSeparator), strings.Join(r.To.Parties, listSeparator), strings.Join(r.To.Tags, listSeparator))
	return l.settlements.Do(ctx, settlement{
		s, r.ID, nil, begin, true, []any{fieldErrCode, s.ErrCode, fieldErrMsg, s.ErrMsg, fieldAccepted, 0},
	})
}

// statesBefore lists, for each state, those that may become it, for settle.lua.
var statesBefore = func() map[tasks.State]string {
	lists := map[tasks.State]string{}
	for _, state := range tasks.States() {
		lists[state] = StatesList(tasks.From(state))
	}
	return lists
}()

// usualArgs is how many arguments an outcome usually has.
const usualArgs = 18

// settle writes several outcomes.
func (l *Ledger) settle(ctx context.Context, all []settlement) []groupcommit.Answer[tasks.Record] {
	names := append(make([]string, 0, 4+4*len(all)), keys.Records(l.app), keys.Results(l.app), keys.Dead(l.app), keys.Minutes(l.app, ""))
	args := append(make([]any, 0, 3+len(all)*usualArgs), 0, l.recordTTL.Milliseconds(), resultsKept)
	for _, s := range all {
		record := keys.Record(l.app, s.id)
		index := record
		if s.MsgID != "" {
			index = keys.MsgID(l.app, s.MsgID)
		}
		names = append(names, record, index, keys.Payload(l.app, s.id), BroadcastKey(l.app, s.id))
		var begin []any
		if s.begins {
			begin = s.begin
		}
		args = append(args, string(s.State), flag(s.OutcomeUnknown), s.id, statesBefore[s.State], s.payload,
			BroadcastCall(s.id), PackMsgID(s.MsgID), len(begin), len(s.fields))
		args = append(append(args, begin...), s.fields...)
	}
	replies, err := settleScript.Run(durability.Promised(ctx), l.rdb, names, args...).Slice()
	answers := groupcommit.Answers(all, replies, err, func(s settlement, reply any) (tasks.Record, error) {
		return l.readSettled(s, ReplyTexts(reply))
	})
	for i, s := range all {
		if answers[i].Err != nil {
			answers[i].Err = fmt.Errorf("settle attempt of %s: %w", s.id, answers[i].Err)
		}
	}
	return answers
}

// readSettled reads the record from the reply of settle.lua for one message.
func (l *Ledger) readSettled(s settlement, reply []string) (tasks.Record, error) {
	switch {
	case len(reply) == 0:
		return tasks.Record{}, errors.New("settle.lua replied nothing")
	case reply[0] == "none":
		return tasks.Record{}, errNoRecord
	case reply[0] == "error":
		return tasks.Record{}, ScriptError(strings.Join(reply[1:], " "))
	}
	fields := make(map[string]string, (len(s.begin)+len(s.fields)+len(reply))/2)
	if reply[0] == "rest" {
		for _, sent := range [][]any{s.begin, s.fields} {
			for i := 0; i+1 < len(sent); i += 2 {
				fields[text(sent[i])] = text(sent[i+1])
			}
		}
	}
	for i := 1; i+1 < len(reply); i += 2 {
		fields[reply[i]] = reply[i+1]
	}
	return readRecord(l.app, s.id, fields), nil
}

// TasksGone records that messages have no task any more, so that they cannot be delivered again: the record of one
// that has ended is kept for the ledger's time from now. Without this call, a record stays for 90 days.
func (l *Ledger) TasksGone(ctx context.Context, ids ...string) error {
	for some := range slices.Chunk(ids, goneTogether) {
		names := make([]string, len(some))
		for i, id := range some {
			names[i] = keys.Record(l.app, id)
		}
		if err := goneScript.Run(ctx, l.rdb, names, l.recordTTL.Milliseconds()).Err(); err != nil {
			return fmt.Errorf("note that %d messages have no task: %w", len(ids), err)
		}
	}
	return nil
}

// ReplyTexts reads a script's reply for one of several messages as a list of strings; empty if it is not a list.
func ReplyTexts(reply any) []string {
	items, _ := reply.([]any)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = text(item)
	}
	return texts
}

// text formats a value as Redis stores it.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return fmt.Sprint(value)
}

// ScriptError is the failure of a script for one of several messages.
type ScriptError string

func (e ScriptError) Error() string { return string(e) }

// RedisError marks it as an error of Redis.
func (ScriptError) RedisError() {}
