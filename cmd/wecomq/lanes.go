package main

import (
	"context"

	"github.com/wecomq/wecomq/worker"
)

// lanes are the worker of a process, and its successors: a reload that changes an
// app ends the worker when its calls in flight have ended, and starts another.
type lanes struct {
	names   []string // of the apps, empty for all
	metrics *metrics

	first *worker.Worker
	d     *deployment         // in force, or about to be
	next  chan *worker.Worker // the newest successor
}

func newLanes(d *deployment, names []string, m *metrics) (*lanes, error) {
	l := &lanes{names: names, metrics: m, d: d, next: make(chan *worker.Worker, 1)}
	var err error
	l.first, err = l.worker(d)
	return l, err
}

// worker makes the worker of a config; it does not connect.
func (l *lanes) worker(d *deployment) (*worker.Worker, error) {
	apps, err := d.workerApps(l.names)
	if err != nil {
		return nil, err
	}
	for i := range apps {
		l.metrics.expect(apps[i].Name)
		apps[i].Sender = l.metrics.instrument(apps[i].Name, apps[i].Sender)
	}
	return worker.New(worker.Config{
		Redis: d.rdb, Apps: apps, Logger: d.log, TracerProvider: d.traces.provider(),
		OnSettled: l.metrics.settled, OnDequeued: l.metrics.dequeued, OnHeld: l.metrics.held,
	})
}

// prepare makes the worker of the next config.
func (l *lanes) prepare(next *deployment) (apply func(), err error) {
	if sameApps(l.d.cfg, next.cfg) {
		return func() {}, nil
	}
	successor, err := l.worker(next)
	if err != nil {
		return nil, err
	}
	return func() {
		l.d = next
		select {
		case <-l.next: // of a reload that this one overtakes
		default:
		}
		l.next <- successor
	}, nil
}

// run serves until ctx ends, with one worker after the other.
func (l *lanes) run(ctx context.Context) error {
	for current := l.first; ; {
		successor, err := l.runUntilReplaced(ctx, current)
		if successor == nil || err != nil {
			return err
		}
		current = successor
	}
}

// runUntilReplaced serves until ctx ends, or until there is a successor.
func (l *lanes) runUntilReplaced(ctx context.Context, current *worker.Worker) (*worker.Worker, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- current.Run(ctx) }()
	select {
	case err := <-done:
		return nil, err
	case successor := <-l.next:
		stop()
		return successor, <-done
	}
}
