package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// bench runs one trial after the other.
type bench struct {
	settings

	stdout, stderr io.Writer
}

// run prints the table of all trials. After an error or an interrupt it has the trials that were completed.
func (b bench) run(ctx context.Context) error {
	return stage.InDirectory(ctx, b.wecomq, func(_, wecomq string) error {
		b.wecomq = wecomq
		if b.growth {
			return b.measureGrowth(ctx, b.stdout)
		}
		var err error
		for _, b.delay = range b.delays {
			results := map[string][]result{}
			err = b.tryAll(ctx, results)
			printTable(b.stdout, b.settings, results)
			if err != nil {
				break
			}
		}
		b.delay = 0
		if err == nil && b.probes > 0 {
			err = b.measureLatency(ctx, b.stdout)
		}
		if err == nil && b.idleApps > 0 {
			err = b.measureIdle(ctx, b.stdout)
		}
		return err
	})
}

// tryAll alternates between the ways, so that other load on the machine affects all of them.
func (b bench) tryAll(ctx context.Context, results map[string][]result) error {
	for range b.runs {
		for _, way := range b.ways {
			_, _ = fmt.Fprintf(b.stderr, "%s … ", way)
			r, err := b.try(ctx, way)
			if err != nil {
				_, _ = fmt.Fprintln(b.stderr)
				return fmt.Errorf("%s: %w", way, err)
			}
			_, _ = fmt.Fprintf(b.stderr, "%.0f messages/s\n", r.rate)
			results[way] = append(results[way], r)
		}
	}
	return nil
}

// try runs one trial, with a time limit.
func (b bench) try(ctx context.Context, way string) (result, error) {
	const slowest = 50 // messages a second
	limit := time.Minute + time.Duration(b.messages/slowest)*time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the trial takes too long"))
	defer cancel()
	t, err := newTrial(ctx, b.settings, way)
	if err != nil {
		return result{}, err
	}
	defer t.close()
	r, err := t.run(ctx)
	if err != nil && ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	return r, err
}
