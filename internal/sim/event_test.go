package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// event is an event during a run.
type event struct {
	at   time.Duration
	what string
	do   func(*world)
}

func drawEvent(rng *rand.Rand, s size) event {
	at, pause, app := s.moment(rng), s.span(rng, time.Minute), appNames[rng.IntN(len(appNames))]
	named := func(do func(*world), format string, args ...any) event {
		return event{at, fmt.Sprintf(format, args...), do}
	}
	switch rng.IntN(18) {
	case 0:
		return named(func(w *world) { w.disconnect(true, pause) }, "Redis is away for %s", pause)
	case 1:
		return named(func(w *world) { w.pause(app, pause) }, "%s is paused for %s", app, pause)
	case 2:
		return named(func(w *world) { w.disconnect(false, pause) }, "WeCom is away for %s", pause)
	case 3:
		step := time.Duration(rng.IntN(1201)-600) * time.Second
		return named(func(w *world) { w.stepClock(step) }, "Redis's clock is set by %s", step)
	case 4:
		n := 2 + rng.IntN(4)
		if rng.IntN(2) == 0 {
			return named(func(w *world) { w.remove(app, absenceSeen+pause) }, "%s is not in the config for %s", app, absenceSeen+pause)
		}
		return named(func(w *world) { w.reload(served{concurrency: n}) }, "the config is reloaded: concurrency %d", n)
	case 5:
		return named(func(w *world) { w.wecom.ExpireTokens() }, "all access tokens end")
	case 6, 7:
		n := rng.Int()
		return named(func(w *world) { w.recall(n) }, "a message is recalled")
	case 8, 9, 10, 11:
		n := rng.Int()
		what, do := drawControl(rng, 2*pause)
		return named(func(w *world) {
			if r := w.pick(n); r != nil {
				do(w, r)
			}
		}, "a broadcast is %s", what)
	}
	f := drawFault(rng)
	return named(func(w *world) { w.must(w.wecom.AddFault(f)) }, "WeCom: %+v", f)
}

// drawFault draws a fault of WeCom for one or several calls: a lost, late or wrong response.
func drawFault(rng *rand.Rand) wecomtest.Fault {
	f := wecomtest.Fault{API: "message/send", Skip: rng.IntN(5), Times: 1 + rng.IntN(3), After: rng.IntN(2) == 0}
	switch rng.IntN(8) {
	case 0:
		f.Reset = true
	case 1:
		f.Hang = true
	case 2:
		f.Delay = wecomtest.Duration(time.Duration(rng.IntN(15_000)+1) * time.Millisecond)
	case 3:
		f.HTTPStatus = 502
	case 4:
		f.ErrCode, f.Times, f.After = 45009, 1, false
	default:
		f.ErrCode, f.After = []wecom.Code{45033, -1, 42001, 40014}[rng.IntN(4)], false
	}
	return f
}

// disconnect separates all workers from Redis, or from WeCom, for a while.
func (w *world) disconnect(redis bool, d time.Duration) {
	w.mu.Lock()
	for _, p := range w.processes {
		p.network.disconnect(redis, d)
	}
	if !redis {
		w.wecomBack = time.Now().Add(d)
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

// step is a change of Redis's clock at a time.
type step struct {
	at time.Time
	by time.Duration
}

// stepClock sets Redis's clock, and with it the expiry of all keys.
func (w *world) stepClock(by time.Duration) {
	w.expireKeys()
	w.mu.Lock()
	w.ahead += by
	w.steps = append(w.steps, step{time.Now(), by})
	w.redis.FastForward(by)
	w.mu.Unlock()
	w.stir()
}

// reload gives all workers another config.
func (w *world) reload(config served) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.config = config
	for _, p := range w.processes {
		apply, err := p.worker.Prepare(p.apps(w))
		w.must(err)
		apply()
	}
}

// absence is a period in which no worker had an app in its config.
type absence struct {
	app      string
	from, to time.Time
}

// absenceSeen is how long after the beginning of an absence no call can be in flight any more.
var absenceSeen = tasks.AttemptLimit(wecom.DefaultTimeout)

// remove takes an app out of the config for a while.
func (w *world) remove(app string, d time.Duration) {
	before := w.config
	w.reload(served{before.concurrency, app})
	from := time.Now()
	pass(d)
	w.absences = append(w.absences, absence{app, from, time.Now()})
	w.reload(before)
}

// checkAbsences: nothing is sent for an app that is not in the config.
func (w *world) checkAbsences(arrived map[string]arrival) {
	for _, a := range w.absences {
		for text, m := range arrived {
			for _, at := range m.at {
				if m.app == a.app && at.Sub(a.from) > absenceSeen && at.Before(a.to) {
					w.Errorf("%q came at %s, and from %s on no worker had the app %s", text, at, a.from, a.app)
				}
			}
		}
	}
}

// recall recalls one of the confirmed messages.
func (w *world) recall(n int) {
	w.mu.Lock()
	sent := w.sent
	w.mu.Unlock()
	if len(sent) == 0 {
		return
	}
	c := sent[n%len(sent)]
	client, err := w.wecomClient(c.app, w.own, w.transport(newNetwork(nil)))
	w.must(err)
	o := operator.New(operator.Config{
		Redis: w.own, App: c.app, Ledger: w.ledger(c.app),
		Recaller: message.NewClient(client, agentID(c.app)),
	})
	if _, err := o.Recall(context.Background(), c.id); errors.Is(err, lookup.ErrNotFound) {
		w.Errorf("%s was confirmed and cannot be recalled: %v", c.id, err)
	}
}
