package sim_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	// patience is how long after the last fault every message must be final. Blocks by 45009 and retries with
	// growing intervals take hours.
	patience = 8 * time.Hour
	// patienceOfQuota is the same with a day quota: messages that exceed the next day's as well wait for the one
	// after that.
	patienceOfQuota = 56 * time.Hour
)

// confirmed is a message whose enqueueing was confirmed to its sender.
type confirmed struct {
	send

	id                  string
	askedAt, enqueuedAt time.Time // when it was first tried, and when confirmed
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// run executes a plan, waits until everything is final, and returns the confirmed messages.
func (w *world) run(p plan) []confirmed {
	if p.slow {
		rules := w.wecom.Rules()
		rules.Latency, rules.Jitter = wecomtest.Duration(slowness), 0
		w.must(w.wecom.SetRules(rules))
	}
	var slots, events sync.WaitGroup
	over := make(chan struct{})
	end := sync.OnceFunc(func() {
		close(over)
		slots.Wait()
	})
	w.Cleanup(func() { // if the run fails half way
		events.Wait()
		end()
	})
	for _, lives := range p.lives {
		slots.Go(func() { w.live(lives, over) })
	}
	events.Go(func() {
		for _, e := range p.events {
			w.until(e.at)
			e.do(w)
		}
	})
	events.Go(func() { w.createAll(p) })
	sent := w.sendAll(p)
	events.Wait()
	w.settle()
	end()
	return sent
}

// pass lets the time of the bubble advance.
func pass(d time.Duration) { <-time.After(d) }

// until waits for a time of the plan.
func (w *world) until(at time.Duration) { pass(time.Until(w.began.Add(at))) }

// live runs the processes of one slot, each once the one before it is dead, the last until
// over is closed.
func (w *world) live(lives []life, over <-chan struct{}) {
	for _, l := range lives {
		select {
		case <-over:
			return
		case <-time.After(l.after):
		}
		p := w.startWorker(l.faults)
		select {
		case <-p.network.died:
		case <-over:
		}
		p.stop()
		<-p.ended
	}
}

// sendAll sends the messages of a plan.
func (w *world) sendAll(p plan) []confirmed {
	e, closeAll := w.newEntry(p)
	defer closeAll()
	for _, s := range p.sends {
		w.until(s.at)
		c := e.send(s)
		w.mu.Lock()
		w.sent = append(w.sent, c)
		w.mu.Unlock()
	}
	return w.sent
}

// settle waits until no message is in progress.
func (w *world) settle() {
	w.faults = w.wecom.Faults()
	w.wecom.ClearFaults()
	wait, patience := 30*time.Second, patience
	if w.limits.Seats > 0 || len(w.broadcasts) > 0 { // or the hours of a broadcast begin tomorrow
		patience = patienceOfQuota
	}
	for last := time.Now(); time.Since(last) < patience; pass(wait) {
		wait = min(wait+wait/4, 30*time.Minute)
		if w.pending() {
			continue
		}
		pass(time.Minute) // recorded outcomes are acknowledged within a lease
		if !w.pending() { // an audit can miss messages that move while it reads
			return
		}
	}
	w.Errorf("not final %s after the last fault: %+v", patience, w.audit())
}

// pending reports whether a recipient is still pending. The books balance meanwhile, too.
func (w *world) pending() bool {
	result := w.audit()
	if result.Imbalance > 0 {
		w.Errorf("the books are off: %+v", result.Findings)
	}
	return w.look() || slices.ContainsFunc(result.Apps, func(s audit.Sums) bool { return s.Pending > 0 })
}

func (w *world) audit() audit.Result {
	var audited []audit.App
	for _, app := range appNames {
		audited = append(audited, audit.App{Name: app, Ledger: w.ledger(app), RecordTTL: tasks.DefaultRecordTTL})
	}
	result, err := audit.New(w.own, audited...).Audit(context.Background(), audit.Options{})
	w.must(err)
	return result
}

func (w *world) ledger(app string) *ledger.Ledger {
	return ledger.New(w.own, app, tasks.DefaultRecordTTL)
}
