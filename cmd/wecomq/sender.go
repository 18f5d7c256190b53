package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	if err != nil {
		return err
	}
	if err := s.printRecord(record); err != nil {
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

// await polls until the message is finished.
func (s *sender) await(ctx context.Context, id string) (tasks.Record, error) {
	for step := firstWaitStep; ; step = min(2*step, lastWaitStep) {
		record, err := s.finder.Message(ctx, id)
		if err == nil && record.State.Final() {
			return record, nil
		}
		if err != nil && ctx.Err() == nil {
			return record, err
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

// batchSize is how many lines go into Redis in one round trip.
const batchSize = 1000

// sendBatch enqueues the lines by the thousand, and prints one result per line.
func (s *sender) sendBatch(ctx context.Context, source *messageReader) error {
	tally := &tally{started: time.Now()}
	progress := newProgress(s.stderr)
	for ended := false; !ended; {
		b, err := readOrStop(ctx, source, s.agentID)
		ended = errors.Is(err, io.EOF)
		if err != nil && !ended {
			progress.end()
			return fmt.Errorf("%w; until then: %s", err, tally)
		}
		if err := s.enqueue(ctx, b, tally); err != nil {
			return err
		}
		progress.add(len(b.messages))
	}
	progress.end()
	_, _ = fmt.Fprintf(s.stderr, "%s\n", tally)
	if s.flags.wait {
		return errors.Join(s.awaitAll(ctx, tally), tally.err())
	}
	return tally.err()
}

// lineBatch is a number of lines, of which some are at fault.
type lineBatch struct {
	messages []producer.Message
	lines    []int // of messages
	faults   []lineError
}

// readOrStop reads the next batch, unless ctx ends first. A read from a terminal
// or pipe cannot be interrupted: it is left behind, and ends with the process.
func readOrStop(ctx context.Context, source *messageReader, agentID string) (*lineBatch, error) {
	type read struct {
		batch *lineBatch
		err   error
	}
	done := make(chan read, 1)
	go func() {
		b, err := readBatch(source, agentID)
		done <- read{b, err}
	}()
	select {
	case r := <-done:
		return r.batch, r.err
	case <-ctx.Done():
		return nil, errors.New("interrupted")
	}
}

func readBatch(source *messageReader, agentID string) (*lineBatch, error) {
	b := &lineBatch{}
	for len(b.messages)+len(b.faults) < batchSize {
		m, err := source.next()
		if fault, ok := errors.AsType[*lineError](err); ok {
			b.faults = append(b.faults, *fault)
			continue
		}
		if err != nil {
			return b, err
		}
		if err := checkAgent(m.Request, agentID); err != nil {
			b.faults = append(b.faults, lineError{source.line, err})
			continue
		}
		b.messages = append(b.messages, m)
		b.lines = append(b.lines, source.line)
	}
	return b, nil
}

// enqueue sends one batch and prints its results in the order of the lines.
func (s *sender) enqueue(ctx context.Context, b *lineBatch, t *tally) error {
	faults := b.faults
	for i, result := range s.producer.SendBatch(ctx, b.messages) {
		for len(faults) > 0 && faults[0].Line < b.lines[i] {
			if err := s.printFault(faults[0], t); err != nil {
				return err
			}
			faults = faults[1:]
		}
		if result.Err != nil {
			if err := s.printFault(lineError{b.lines[i], result.Err}, t); err != nil {
				return err
			}
			continue
		}
		t.add(result.Receipt, s.flags.wait)
		if s.flags.wait {
			continue
		}
		if err := s.printReceipt(result.Receipt); err != nil {
			return err
		}
	}
	for _, fault := range faults {
		if err := s.printFault(fault, t); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) printFault(fault lineError, t *tally) error {
	var unavailable *producer.RedisError
	t.fault(errors.As(fault.Err, &unavailable))
	if s.output == "text" {
		_, err := fmt.Fprintln(s.stdout, fault.Error())
		return err
	}
	return printJSON(s.stdout, struct {
		Line  int    `json:"line"`
		Error string `json:"error"`
	}{fault.Line, fault.Err.Error()})
}

// awaitAll prints the records of a batch as they finish, in order.
func (s *sender) awaitAll(ctx context.Context, t *tally) error {
	ctx, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	rejected := 0
	for _, id := range t.ids {
		record, err := s.await(ctx, id)
		if err != nil {
			return err
		}
		if !record.State.Sent() {
			rejected++
		}
		if err := s.printRecord(record); err != nil {
			return err
		}
	}
	if rejected > 0 {
		return &exitError{exitRejected, fmt.Errorf("%d of %d messages were not accepted", rejected, len(t.ids))}
	}
	return nil
}

// dryRun prints what WeCom would get, and enqueues nothing.
func dryRun(g *globals, agentID string, source *messageReader) error {
	faults := 0
	for {
		err := printNext(g, agentID, source)
		var fault *lineError
		switch {
		case errors.As(err, &fault):
			faults++
			_, _ = fmt.Fprintln(g.stderr, err)
		case errors.Is(err, io.EOF) && faults > 0:
			return usagef("%d lines are at fault", faults)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// printNext prints the next message as WeCom would get it. It returns io.EOF after
// the last, or *lineError for a line that is at fault.
func printNext(g *globals, agentID string, source *messageReader) error {
	m, err := source.next()
	if err != nil {
		return err
	}
	err = errors.Join(checkAgent(m.Request, agentID), message.ValidateContent(m.Request))
	switch {
	case err != nil && source.lines:
		return &lineError{source.line, err}
	case err != nil:
		return &exitError{exitUsage, err}
	}
	body, err := message.Encode(m.Request)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.stdout, "%s\n", message.FillAgentID(body, agentID))
	return err
}
