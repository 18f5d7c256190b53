package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/status"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// sender enqueues what a messageReader yields and prints what became of it.
type sender struct {
	*globals
	flags    *sendFlags
	producer *producer.Producer
	finder   *status.Finder
	agentID  string
}

func (s *sender) sendOne(ctx context.Context, source *messageReader) error {
	m, err := source.next()
	if err != nil {
		return err
	}
	if err := checkAgent(m.Request, s.agentID); err != nil {
		return &exitError{exitUsage, err}
	}
	receipt, err := s.producer.Send(ctx, m.Request, m.Options)
	if err != nil {
		return enqueueError(err)
	}
	if !s.flags.wait {
		return s.printReceipt(receipt)
	}
	ctx, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	record, err := s.await(ctx, receipt.ID)
	if printErr := s.printRecord(record); printErr != nil {
		return printErr
	}
	if err != nil {
		return err
	}
	return verdict(record)
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

// waitStep grows with the wait: quick answers show at once, long ones cost little.
const (
	firstWaitStep = 20 * time.Millisecond
	lastWaitStep  = time.Second
)

// await polls until the message is finished, or ctx ends; the record is the last
// that was seen.
func (s *sender) await(ctx context.Context, id string) (tasks.Record, error) {
	for step := firstWaitStep; ; step = min(2*step, lastWaitStep) {
		// Also when ctx has ended: what is known must be told.
		record, err := s.finder.Message(context.WithoutCancel(ctx), id)
		if err != nil {
			return tasks.Record{ID: id}, fmt.Errorf("%w; %s is in the queue, see 'wecomq result %s'", err, id, id)
		}
		if record.State.Final() {
			return record, nil
		}
		select {
		case <-time.After(step):
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return record, fmt.Errorf("interrupted; %s goes on, see 'wecomq result %s'", id, id)
			}
			return record, &exitError{exitTimeout, fmt.Errorf("%s is %s after %s; it goes on, see 'wecomq result %s'. %s",
				id, cmp.Or(record.State, "not finished"), s.flags.timeout, id, cmp.Or(record.ErrMsg, "Is a worker running?"))}
		}
	}
}
