package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// measureGrowth prints how the cost of a message grows with the queue and the workers, and that of looking with the apps.
func (b bench) measureGrowth(ctx context.Context, w io.Writer) error {
	for _, part := range []func(context.Context, io.Writer) error{b.growQueue, b.growWorkers, b.growApps} {
		if err := part(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// growQueue fills a queue further and further, and has the first messages sent.
func (b bench) growQueue(ctx context.Context, w io.Writer) error {
	_, _ = fmt.Fprintf(w, "One worker; %d of the messages, or all, are sent:\n\n| queued | enqueued/s | Redis | first call after | messages/s | memory |\n|--:|--:|--:|--:|--:|--:|\n", b.messages)
	for _, queued := range b.queued {
		row, err := b.tryQueue(ctx, queued)
		if err != nil {
			return fmt.Errorf("%d queued: %w", queued, err)
		}
		_, _ = fmt.Fprintln(w, row)
	}
	return nil
}

func (b bench) tryQueue(ctx context.Context, queued int) (row string, err error) {
	sent := min(queued, b.messages)
	b.messages = queued
	t, err := newTrial(ctx, b.settings, wayWecomq)
	if err != nil {
		return "", err
	}
	defer t.close()
	before, err := t.memory(ctx)
	if err != nil {
		return "", err
	}
	began := time.Now()
	if err := t.fill(ctx); err != nil {
		return "", err
	}
	enqueued := float64(queued) / time.Since(began).Seconds()
	after, err := t.memory(ctx)
	if err != nil {
		return "", err
	}
	began = time.Now()
	if err := t.startWorker(1); err != nil {
		return "", err
	}
	arrived, err := t.awaitArrivals(ctx, sent)
	return fmt.Sprintf("| %d | %.0f | %.0f B each | %.0f ms | %.0f | %.0f MB |", queued, enqueued, (after-before)/float64(queued),
		ms(arrived.First.Sub(began)), arrived.Rate, megabytes(t.running[0].PeakMemory())), err
}

// memory is what the data of Redis takes, in bytes.
func (t *trial) memory(ctx context.Context) (float64, error) {
	info, err := t.redis.Client.Info(ctx, "memory").Result()
	return stage.InfoValue(info, "used_memory"), err
}

// growWorkers has the same messages sent by more and more processes.
func (b bench) growWorkers(ctx context.Context, w io.Writer) error {
	_, _ = fmt.Fprintf(w, "\n%d messages, %d calls in flight in each worker:\n\n| workers | messages/s | CPU of the workers | CPU of Redis | scripts |\n|--:|--:|--:|--:|--:|\n",
		b.messages, b.concurrency)
	for _, b.processes = range b.workers {
		r, err := b.try(ctx, wayWecomq)
		if err != nil {
			return fmt.Errorf("%d workers: %w", b.processes, err)
		}
		_, _ = fmt.Fprintf(w, "| %d | %.0f | %.3f ms | %.3f ms | %.2f |\n", b.processes, r.rate, ms(r.workerCPU), ms(r.redisCPU), r.calls)
	}
	return nil
}

// growApps starts `wecomq serve` for more and more apps, and looks at it.
func (b bench) growApps(ctx context.Context, w io.Writer) error {
	_, _ = fmt.Fprint(w, "\n`wecomq serve` without messages; times are medians of ", looks, ":\n\n"+
		"| apps | queues | ready after | memory | `/` | `/dashboard/` | `/metrics` | `app ls` |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, apps := range b.apps {
		o, err := b.observe(ctx, apps)
		if err != nil {
			return fmt.Errorf("%d apps: %w", apps, err)
		}
		_, _ = fmt.Fprintf(w, "| %d | %d | %.0f ms | %.0f MB | %.0f ms | %.0f ms | %.0f ms | %.0f ms |\n", apps, 3*apps,
			ms(o.ready), megabytes(o.memory), ms(o.overview), ms(o.dashboard), ms(o.metrics), ms(o.list))
	}
	return nil
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
