package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// bench runs one trial after the other.
type bench struct {
	settings

	stdout, stderr io.Writer
}

// run prints the table of all trials. After an error or an interrupt it has the trials that were completed.
func (b bench) run(ctx context.Context) error {
	return stage.InDirectory(ctx, b.wecomq, func(dir, wecomq string) error {
		if b.clockError > 0 {
			var err error
			if wecomq, err = buildWithClock(ctx, dir); err != nil {
				return err
			}
		}
		b.wecomq = wecomq
		results, err := b.tryAll(ctx)
		if len(results) > 0 {
			printTable(b.stdout, b.settings, results)
		}
		return err
	})
}

func (b bench) tryAll(ctx context.Context) ([]result, error) {
	var results []result
	for _, way := range b.ways {
		for _, workers := range b.workers {
			_, _ = fmt.Fprintf(b.stderr, "%s with %d worker(s) … ", way.name, workers)
			r, err := b.try(ctx, way, workers)
			if err != nil {
				_, _ = fmt.Fprintln(b.stderr)
				return results, fmt.Errorf("%s with %d worker(s): %w", way.name, workers, err)
			}
			_, _ = fmt.Fprintf(b.stderr, "%.1f %%\n", 100*r.used)
			results = append(results, r)
		}
	}
	return results, nil
}

// try runs one trial, with a time limit.
func (b bench) try(ctx context.Context, w way, workers int) (result, error) {
	const setUp = 2 * time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, setUp+b.warmUp+b.duration+b.grace, errors.New("the trial takes too long"))
	defer cancel()
	l, err := stage.Open(ctx, b.wecomq, wecomtest.Rules{
		CallsPerMinute: b.limit, Block: wecomtest.Duration(time.Minute), Keep: 10 * b.limit * int(b.duration.Minutes()+2),
	})
	if err != nil {
		return result{}, err
	}
	defer l.Close()
	t := trial{b.settings, w, workers, l}
	if b.jitter > 0 {
		network, err := stage.StartProxy(strings.TrimPrefix(l.WeCom, "http://"), fmt.Sprintf(
			`{"type":"latency","stream":"upstream","attributes":{"latency":%d,"jitter":%[1]d}}`, b.jitter.Milliseconds()))
		if err != nil {
			return result{}, err
		}
		defer network.Stop()
		l.WeCom = "http://" + network.Listen
	}
	r, err := t.run(ctx)
	if err != nil && ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	return r, err
}
