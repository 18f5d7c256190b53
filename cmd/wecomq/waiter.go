package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

// waiter waits for enqueued messages, and prints their outcomes.
type waiter struct {
	*globals
	timeout  time.Duration
	find     func(ctx context.Context, id string) (tasks.Record, error)
	narrator *narrator
	away     bool // whether Redis is unavailable and stderr says so
}

func newWaiter(g *globals, d *daemon.Deployment, timeout time.Duration) *waiter {
	return &waiter{globals: g, timeout: timeout, find: d.Find, narrator: newNarrator(g, d.Inspector())}
}

// one waits for a message, and prints its record; the exit code is its outcome.
func (w *waiter) one(ctx context.Context, receipt tasks.Receipt) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	record, err := w.await(ctx, receipt.ID)
	if printErr := w.printOutcome(receipt, record); printErr != nil {
		return printErr
	}
	if err == nil && !record.State.Sent() {
		err = &exitError{exitRejected, fmt.Errorf("%s: %s", record.State, record.ErrMsg)}
	}
	return err
}

// printOutcome prints the record, or the receipt if there is nothing more.
func (w *waiter) printOutcome(receipt tasks.Receipt, r tasks.Record) error {
	if r.State == tasks.None {
		return w.printReceipt(receipt)
	}
	return w.printRecord(r)
}

// all prints the records of a batch in order, each when it is finished; when the time is over, the rest in their
// present state.
func (w *waiter) all(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	refused, unfinished := 0, 0
	for _, id := range ids {
		record, err := w.await(ctx, id)
		switch {
		case err != nil:
			unfinished++
		case !record.State.Sent():
			refused++
		}
		if err := w.printRecord(record); err != nil {
			return err
		}
	}
	switch {
	case unfinished > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &exitError{exitTimeout, fmt.Errorf("not finished after %s: %d of %d; still being processed", w.timeout, unfinished, len(ids))}
	case unfinished > 0:
		return fmt.Errorf("not finished: %d of %d; still being processed", unfinished, len(ids))
	case refused > 0:
		return &exitError{exitRejected, fmt.Errorf("not accepted: %d of %d", refused, len(ids))}
	}
	return nil
}

// await waits until the message is finished, or ctx ends; it returns the last record that it saw.
func (w *waiter) await(ctx context.Context, id string) (tasks.Record, error) {
	if w.away && ctx.Err() != nil { // the rest of a batch need not try again
		record := tasks.Record{ID: id}
		return record, w.unfinished(ctx, record)
	}
	record, err := lookup.Await(ctx, id, w.look, w.note)
	switch {
	case err == nil:
		return record, nil
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return record, w.unfinished(ctx, record)
	}
	return record, fmt.Errorf("%w; %s is in the queue, see 'wecomq result %s'", err, id, id)
}

// look reads a message, and why it waits.
func (w *waiter) look(ctx context.Context, id string) (tasks.Record, error) {
	record, err := w.find(ctx, id)
	if err == nil {
		w.narrator.look(ctx, record)
	}
	return record, err
}

// note prints once that Redis is unavailable.
func (w *waiter) note(err error) {
	if err != nil && !w.away {
		_, _ = fmt.Fprintf(w.stderr, "Redis is unavailable (%v); still waiting\n", err)
	}
	w.away = err != nil
}

// unfinished says why the wait for a message is over.
func (w *waiter) unfinished(ctx context.Context, r tasks.Record) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("interrupted; %s is still being processed, see 'wecomq result %s'", r.ID, r.ID)
	}
	why := cmp.Or(w.narrator.now.Why, r.ErrMsg, "Is a worker running?")
	if w.away {
		why = "Redis is unavailable."
	}
	return &exitError{exitTimeout, fmt.Errorf("%s is %s after %s; it is still being processed, see 'wecomq result %s'. %s",
		r.ID, cmp.Or(r.State, "not finished"), w.timeout, r.ID, why)}
}
