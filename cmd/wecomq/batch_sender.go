package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/producer"
)

// sendBatch enqueues the lines by the thousand, and prints one result per line.
func (s *sender) sendBatch(ctx context.Context, source *messageReader) error {
	tally := &tally{started: time.Now()}
	progress := newProgress(s.stderr, "messages", "enqueued")
	for ended := false; !ended; {
		b, err := readOrStop(ctx, source)
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

// enqueue sends one batch and prints its results in the order of the lines.
func (s *sender) enqueue(ctx context.Context, b *lineBatch, t *tally) error {
	faults := b.faults
	for i, result := range b.send(ctx) {
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

// awaitAll prints the records of a batch in order, each when it is finished; when
// the time is over, the rest as they stand.
func (s *sender) awaitAll(ctx context.Context, t *tally) error {
	ctx, cancel := context.WithTimeout(ctx, s.flags.timeout)
	defer cancel()
	refused, unfinished := 0, 0
	for _, id := range t.ids {
		record, err := s.await(ctx, id)
		switch {
		case err != nil:
			unfinished++
		case !record.State.Sent():
			refused++
		}
		if err := s.printRecord(record); err != nil {
			return err
		}
	}
	switch {
	case unfinished > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &exitError{exitTimeout, fmt.Errorf("not finished after %s: %d of %d; they go on", s.flags.timeout, unfinished, len(t.ids))}
	case unfinished > 0:
		return fmt.Errorf("not finished: %d of %d; they go on", unfinished, len(t.ids))
	case refused > 0:
		return &exitError{exitRejected, fmt.Errorf("not accepted: %d of %d", refused, len(t.ids))}
	}
	return nil
}
