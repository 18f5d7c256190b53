package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/internal/submission"
)

// batchSender enqueues lines by the thousand, and prints one result per line.
type batchSender struct {
	*globals
	waiter *waiter // nil without --wait
	tally  submission.Tally
	ids    []string // to wait for
}

func (s *batchSender) run(ctx context.Context, lines *submission.Lines) error {
	s.tally.Started = time.Now()
	progress := newProgress(s.stderr, "messages", "enqueued")
	for ended := false; !ended; {
		b, err := lines.Batch(ctx)
		ended = errors.Is(err, io.EOF)
		if err != nil && !ended {
			progress.end()
			return fmt.Errorf("%w; until then: %s", err, &s.tally)
		}
		for _, outcome := range b.Enqueue(ctx) {
			if err := s.take(outcome); err != nil {
				return err
			}
		}
		progress.add(b.Len())
	}
	progress.end()
	_, _ = fmt.Fprintf(s.stderr, "%s\n", &s.tally)
	if s.waiter != nil {
		return errors.Join(s.waiter.all(ctx, s.ids), s.tally.Err())
	}
	return s.tally.Err()
}

// take prints the outcome of a line, or keeps it to wait for it.
func (s *batchSender) take(o submission.Outcome) error {
	s.tally.Add(o)
	switch {
	case o.Err != nil:
		return s.printFault(o)
	case s.waiter != nil:
		s.ids = append(s.ids, o.Receipt.ID)
		return nil
	}
	return s.printReceipt(o.Receipt)
}

func (s *batchSender) printFault(o submission.Outcome) error {
	if s.output == "text" {
		_, err := fmt.Fprintf(s.stdout, "line %d: %v\n", o.Line, o.Err)
		return err
	}
	return printout.JSON(s.stdout, struct {
		Line  int    `json:"line"`
		Error string `json:"error"`
	}{o.Line, o.Err.Error()})
}
