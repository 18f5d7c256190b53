package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	return stage.InDirectory(ctx, b.wecomq, func(_, wecomq string) error {
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
	for _, words := range b.words {
		for _, recipients := range b.recipients {
			for _, way := range b.ways {
				_, _ = fmt.Fprintf(b.stderr, "%s words for %d with %s … ", words, recipients, way)
				r, err := b.try(ctx, way, words, recipients)
				if err != nil {
					_, _ = fmt.Fprintln(b.stderr)
					return results, fmt.Errorf("%s words for %d with %s: %w", words, recipients, way, err)
				}
				_, _ = fmt.Fprintf(b.stderr, "created in %s, sent in %s\n", r.created.Round(time.Millisecond), r.sent.Round(time.Millisecond))
				results = append(results, r)
			}
		}
	}
	return results, nil
}

const (
	// latency is how long the simulator takes for a call.
	latency = 5 * time.Millisecond
	// remembered is how many messages the simulator keeps: enough for all since the last alert.
	remembered = 20_000
	// longest limits a trial.
	longest = 2 * time.Hour
)

// try runs one trial. Only the machine limits the calls: the simulator enforces WeCom's limits neither per app
// nor per member.
func (b bench) try(ctx context.Context, way, words string, recipients int) (result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, longest, errors.New("the trial takes too long"))
	defer cancel()
	l, err := stage.Open(ctx, b.wecomq, wecomtest.Rules{
		CallsPerMinute: -1, MemberPerMinute: -1, MemberPerHour: -1, Latency: wecomtest.Duration(latency), Keep: remembered,
	})
	if err != nil {
		return result{}, err
	}
	defer l.Close()
	t := trial{settings: b.settings, way: way, words: words, recipients: recipients, Landscape: l}
	r, err := t.run(ctx)
	if err != nil && ctx.Err() != nil {
		return result{}, context.Cause(ctx)
	}
	return r, err
}
