package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// event is something that happens to the world.
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
	switch rng.IntN(14) {
	case 0:
		return named(func(w *world) { w.leave(true, pause) }, "Redis is away for %s", pause)
	case 1:
		return named(func(w *world) { w.pause(app, pause) }, "%s is paused for %s", app, pause)
	case 2:
		return named(func(w *world) { w.leave(false, pause) }, "WeCom is away for %s", pause)
	case 3:
		step := time.Duration(rng.IntN(1201)-600) * time.Second
		return named(func(w *world) { w.stepClock(step) }, "Redis's clock is set by %s", step)
	case 4:
		n := 2 + rng.IntN(4)
		return named(func(w *world) { w.reload(n) }, "the config is reloaded: concurrency %d", n)
	case 5:
		return named(func(w *world) { w.wecom.ExpireTokens() }, "all access tokens end")
	case 6, 7:
		n := rng.Int()
		return named(func(w *world) { w.recall(n) }, "a message is recalled")
	}
	f := drawFault(rng)
	return named(func(w *world) { w.must(w.wecom.AddFault(f)) }, "WeCom: %+v", f)
}

// drawFault draws what WeCom does wrong for a call or some: a lost, late or wrong answer.
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

// leave cuts all workers off from Redis, or from WeCom, for a while.
func (w *world) leave(redis bool, d time.Duration) {
	w.mu.Lock()
	for _, p := range w.processes {
		p.network.leave(redis, d)
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

// step is how far Redis's clock was set at a moment.
type step struct {
	at time.Time
	by time.Duration
}

// stepClock sets Redis's clock, and with it the end of all keys.
func (w *world) stepClock(by time.Duration) {
	w.expireKeys()
	w.mu.Lock()
	w.ahead += by
	w.steps = append(w.steps, step{time.Now(), by})
	w.redis.FastForward(by)
	w.mu.Unlock()
	w.stir()
}

// reload gives all workers a config with another concurrency.
func (w *world) reload(concurrency int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes {
		apps := p.apps(w, concurrency)
		apply, err := p.worker.Prepare(apps)
		w.must(err)
		apply()
	}
}

// recall recalls one of the messages that were confirmed.
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
		Recaller: message.NewClient(client, strconv.FormatInt(agentOf(appIndex(c.app)), 10)),
	})
	if _, err := o.Recall(context.Background(), c.id); errors.Is(err, lookup.ErrNotFound) {
		w.Errorf("%s was confirmed and cannot be recalled: %v", c.id, err)
	}
}
