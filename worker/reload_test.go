package worker_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// gate is a Sender whose calls wait until it is opened.
type gate struct {
	worker.Sender

	reached, opened chan struct{}
	once            sync.Once
}

func newGate(sender worker.Sender) *gate {
	return &gate{Sender: sender, reached: make(chan struct{}), opened: make(chan struct{})}
}

func (g *gate) Post(ctx context.Context, api string, body []byte, reply any) error {
	g.once.Do(func() { close(g.reached) })
	<-g.opened
	return g.Sender.Post(ctx, api, body, reply)
}

// run runs a worker of these apps; stop ends it.
func (b *bundle) run(log *logtest.Transcript, apps ...worker.App) (w *worker.Worker, stop func()) {
	b.Helper()
	w, err := worker.New(worker.Config{
		Redis: b.rdb, Apps: apps, Logger: zerolog.New(log), OnSettled: func(r tasks.Record) { b.settled <- r },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("the worker ended with %v", err)
		}
	})
	b.Cleanup(stop)
	return w, stop
}

// sendTo enqueues a text to an app.
func (b *bundle) sendTo(app, content string) producer.Receipt {
	b.Helper()
	p, err := producer.New(b.rdb, producer.Config{App: app})
	if err != nil {
		b.Fatal(err)
	}
	receipt, err := p.Send(b.Context(), text("chen.li", content), producer.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return receipt
}

func TestAnAppThatChangesStopsNobody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	var log logtest.Transcript
	ops, hr := b.app, b.app
	hr.Name, hr.Ledger = "hr", nil
	slow := newGate(ops.Sender)
	ops.Sender = slow
	w, stop := b.run(&log, ops, hr)
	late := b.sendTo("ops", "slow")
	<-slow.reached

	ops.Sender, ops.Concurrency = b.app.Sender, 3
	apply, err := w.Prepare([]worker.App{hr, ops})
	if err != nil {
		t.Fatal(err)
	}
	apply()
	for app, content := range map[string]string{"ops": "by the new lane", "hr": "by the lane that stays"} {
		if receipt, r := b.sendTo(app, content), b.next(); r.ID != receipt.ID || r.State != tasks.Accepted {
			t.Errorf("%s: %+v", content, r)
		}
	}
	if strings.Contains(log.String(), "lane is down") {
		t.Errorf("the call that is slow has ended too early to prove anything:\n%s", &log)
	}
	close(slow.opened)
	if r := b.next(); r.ID != late.ID || r.State != tasks.Accepted {
		t.Errorf("what the old lane had in flight: %+v", r)
	}
	stop()
	if up, down := strings.Count(log.String(), "lane is up"), strings.Count(log.String(), "lane is down"); up != 3 || down != 3 {
		t.Errorf("lanes went up %d times and down %d times, want 3: one of them again", up, down)
	}
}

// The end of Run is that of all lanes, also of those that were replaced.
func TestRunWaitsForReplacedLanes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	var log logtest.Transcript
	slow := newGate(b.app.Sender)
	ops, hr := b.app, b.app
	hr.Name, hr.Ledger = "hr", nil
	ops.Sender = slow
	w, stop := b.run(&log, ops)
	b.sendTo("ops", "slow")
	<-slow.reached
	apply, err := w.Prepare([]worker.App{hr})
	if err != nil {
		t.Fatal(err)
	}
	apply()
	waittest.Until(t, "the lane of hr is up", func() bool { return strings.Count(log.String(), "lane is up") == 2 })
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	waittest.Until(t, "the lane of hr is down", func() bool { return strings.Count(log.String(), "lane is down") == 1 })
	select {
	case <-stopped:
		t.Error("Run has returned before the call in flight")
	default:
	}
	close(slow.opened)
	<-stopped
	if r := b.next(); r.State != tasks.Accepted {
		t.Errorf("the call in flight: %+v", r)
	}
}

func TestAppsThatCannotBeServedChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	var log logtest.Transcript
	w, stop := b.run(&log, b.app)
	waittest.Until(t, "the lane is up", func() bool { return strings.Contains(log.String(), "lane is up") })
	nameless, sound := b.app, b.app
	nameless.Name, sound.Concurrency = "", 3
	for name, apps := range map[string][]worker.App{"none": nil, "one of them without a name": {sound, nameless}} {
		if apply, err := w.Prepare(apps); err == nil || apply != nil {
			t.Errorf("%s: error %v, want one and nothing to apply", name, err)
		}
	}
	apply, err := w.Prepare([]worker.App{b.app})
	if err != nil {
		t.Fatal(err)
	}
	apply() // the same as before
	b.sendTo("ops", "still there")
	if r := b.next(); r.State != tasks.Accepted {
		t.Errorf("record %+v", r)
	}
	stop()
	if n := strings.Count(log.String(), "lane is up"); n != 1 {
		t.Errorf("lanes went up %d times, want once", n)
	}
}
