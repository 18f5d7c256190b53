package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// sender enqueues what a messageReader yields and prints what became of it.
type sender struct {
	*globals
	flags    *sendFlags
	find     func(ctx context.Context, id string) (tasks.Record, error)
	narrator *narrator // nil if nobody waits
	away     bool      // whether Redis is unavailable and stderr says so
}

func (s *sender) sendOne(ctx context.Context, source *messageReader) error {
	m, err := source.next()
	if err != nil {
		return err
	}
	receipt, err := source.outlet.producer.Send(ctx, m.Request, m.Options)
	if err != nil {
		return enqueueError(err)
	}
	return s.conclude(ctx, receipt)
}

// conclude prints the receipt of what was enqueued, or waits for it and prints its record.
func (s *sender) conclude(ctx context.Context, receipt producer.Receipt) error {
	if !s.flags.wait {
		return s.printReceipt(receipt)
	}
	ctx, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	record, err := s.await(ctx, receipt.ID)
	if printErr := s.printOutcome(receipt, record); printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	return verdict(record)
}

// printOutcome prints the record, or the receipt when nothing more was learned.
func (s *sender) printOutcome(receipt producer.Receipt, r tasks.Record) error {
	if r.State == tasks.None {
		return s.printReceipt(receipt)
	}
	return s.printRecord(r)
}

// enqueueError tells a Redis that did not answer from a message at fault.
func enqueueError(err error) error {
	var unavailable *producer.RedisError
	if errors.As(err, &unavailable) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("not enqueued: %w", err)
	}
	return &exitError{exitUsage, err}
}

// checkAgent refuses a message for another application than the one that sends it.
func checkAgent(request message.Request, agentID string) error {
	if got := request.Common().AgentID; got != "" && got != agentID {
		return fmt.Errorf("agentid: %s, but this app is agent %s; leave agentid out or choose the app with --app", got, agentID)
	}
	return nil
}

// verdict is the exit code of a message that was waited for.
func verdict(r tasks.Record) error {
	if r.State.Sent() {
		return nil
	}
	return &exitError{exitRejected, fmt.Errorf("%s: %s", r.State, r.ErrMsg)}
}

// await waits until the message is finished, or ctx ends; the record is the last that was
// seen.
func (s *sender) await(ctx context.Context, id string) (tasks.Record, error) {
	if s.away && ctx.Err() != nil { // the rest of a batch need not find out again
		record := tasks.Record{ID: id}
		return record, s.unfinished(ctx, record)
	}
	record, err := lookup.Await(ctx, id, s.look, s.note)
	switch {
	case err == nil:
		return record, nil
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return record, s.unfinished(ctx, record)
	}
	return record, fmt.Errorf("%w; %s is in the queue, see 'wecomq result %s'", err, id, id)
}

// look is a look at a message, and at why it waits.
func (s *sender) look(ctx context.Context, id string) (tasks.Record, error) {
	record, err := s.find(ctx, id)
	if err == nil {
		s.narrator.look(ctx, record)
	}
	return record, err
}

// note says once that Redis is unavailable.
func (s *sender) note(err error) {
	if err != nil && !s.away {
		_, _ = fmt.Fprintf(s.stderr, "Redis is unavailable (%v); still waiting\n", err)
	}
	s.away = err != nil
}

// unfinished says why the wait for a message is over.
func (s *sender) unfinished(ctx context.Context, r tasks.Record) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("interrupted; %s goes on, see 'wecomq result %s'", r.ID, r.ID)
	}
	why := cmp.Or(s.narrator.why(), r.ErrMsg, "Is a worker running?")
	if s.away {
		why = "Redis is unavailable."
	}
	return &exitError{exitTimeout, fmt.Errorf("%s is %s after %s; it goes on, see 'wecomq result %s'. %s",
		r.ID, cmp.Or(r.State, "not finished"), s.flags.timeout, r.ID, why)}
}
