package sim_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// patience is how long after the last fault every message must be final. Blocks by
	// 45009 and attempts that follow each other more and more rarely take hours.
	patience = 8 * time.Hour
	// patienceOfQuota is the same where there is a day quota: what exceeds the next day's
	// as well waits for the one after that.
	patienceOfQuota = 56 * time.Hour
	// maxRepeats bounds the repeats of a send that Redis did not confirm.
	maxRepeats = 50
)

// confirmed is a message that the producer was told is enqueued.
type confirmed struct {
	send

	id         string
	enqueuedAt time.Time
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// run lets a plan happen, waits until all is final, and returns what was confirmed.
func (w *world) run(p plan) []confirmed {
	var slots sync.WaitGroup
	over := make(chan struct{})
	for _, lives := range p.lives {
		slots.Go(func() { w.live(lives, over) })
	}
	var events sync.WaitGroup
	events.Go(func() {
		for _, e := range p.events {
			w.until(e.at)
			e.do(w)
		}
	})
	sent := w.sendAll(p)
	events.Wait()
	w.settle()
	close(over)
	slots.Wait()
	return sent
}

// pass lets the time of the bubble go on.
func pass(d time.Duration) { <-time.After(d) }

// until waits for a moment of the plan.
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

// sendAll sends the messages of a plan, over a network with faults of its own.
func (w *world) sendAll(p plan) []confirmed {
	n := newNetwork(p.replies)
	rdb := w.client(n, nil)
	defer func() { _ = rdb.Close() }()
	defer n.sever()
	producers := map[string]*producer.Producer{}
	for _, app := range appNames {
		made, err := producer.New(rdb, producer.Config{App: app})
		w.must(err)
		producers[app] = made
	}
	var sent []confirmed
	for _, s := range p.sends {
		w.until(s.at)
		sent = append(sent, w.send(producers[s.app], s))
	}
	return sent
}

// send sends a message until Redis confirms it.
func (w *world) send(p *producer.Producer, s send) confirmed {
	request := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: strings.Join(s.users, "|")}, Text: message.TextField{Content: s.text},
	}
	if s.checked {
		request.EnableDuplicateCheck, request.DuplicateCheckInterval = 1, message.MaxDuplicateCheckInterval
	}
	for range maxRepeats {
		receipt, err := p.Send(context.Background(), request, s.options)
		if _, again := errors.AsType[*producer.RedisError](err); again {
			pass(time.Second)
			continue
		}
		w.must(err)
		return confirmed{s, receipt.ID, time.Now()}
	}
	w.Fatalf("%q was not confirmed in %d tries", s.text, maxRepeats)
	return confirmed{}
}

// settle waits until no message is on its way any more.
func (w *world) settle() {
	w.faults = w.wecom.Faults()
	w.wecom.ClearFaults()
	wait, patience := 30*time.Second, patience
	if w.limits.Seats > 0 {
		patience = patienceOfQuota
	}
	for last := time.Now(); time.Since(last) < patience; pass(wait) {
		wait += wait / 4
		if result := w.audit(); !slices.ContainsFunc(result.Apps, func(s audit.Sums) bool { return s.Pending > 0 }) {
			pass(time.Minute) // what is recorded is acknowledged within a lease
			return
		}
	}
	w.Errorf("not final %s after the last fault: %+v", patience, w.audit())
}

func (w *world) audit() audit.Result {
	var audited []audit.App
	for _, app := range appNames {
		audited = append(audited, audit.App{Name: app, Ledger: w.ledger(app), Keep: tasks.DefaultRecordTTL})
	}
	result, err := audit.New(w.own, audited...).Audit(context.Background(), audit.Options{})
	w.must(err)
	return result
}

func (w *world) ledger(app string) *ledger.Ledger {
	return ledger.New(w.own, app, tasks.DefaultRecordTTL)
}

// awayFromRedis cuts all workers off from Redis for a while.
func (w *world) awayFromRedis(d time.Duration) {
	w.mu.Lock()
	for _, n := range w.networks {
		n.leave(d)
	}
	w.mu.Unlock()
	w.stir()
}

// pause pauses an app for a while, as an operator does.
func (w *world) pause(app string, d time.Duration) {
	pacer := pacing.New(w.own, pacing.Config{App: app, Limits: w.limits, RecordTTL: tasks.DefaultRecordTTL})
	w.must(pacer.Pause(context.Background()))
	pass(d)
	w.must(pacer.Resume(context.Background()))
}
