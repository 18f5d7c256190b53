package worker_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// lostAnswer makes a message arrive without WeCom's answer.
var lostAnswer = wecomtest.Fault{API: message.APISend, Reset: true, After: true}

func TestAMessageWithoutAnAnswerIsResentTwice(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		resends int
		copies  int
	}{
		"by default":       {copies: 3},
		"once, configured": {resends: 1, copies: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) { a.UnknownResends = tc.resends })
			b.fault(lostAnswer)
			b.send(text("a", "x"), producer.Options{})
			b.work()
			if r := b.next(); r.State != tasks.Unknown || r.Attempts != tc.copies || !r.PossibleDuplicate {
				t.Errorf("record %+v, want it unknown after %d attempts", r, tc.copies)
			}
			if n := len(b.sim.Messages()); n != tc.copies {
				t.Errorf("%d copies arrived, want %d", n, tc.copies)
			}
		})
	}
}

func TestWhateverFollowsAnAttemptInDoubtWeComMayHaveTheMessage(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]wecomtest.Fault{
		"no recipient is valid now": {API: message.APISend, ErrCode: 81013},
		"the content is refused":    {API: message.APISend, ErrCode: 45002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{})
			lost := lostAnswer
			lost.Times = 1
			b.fault(lost)
			b.fault(answer)
			receipt := b.send(text("a", "x"), producer.Options{})
			b.work()
			r := b.next()
			if r.ID != receipt.ID || r.State != tasks.Unknown || r.ErrCode != int64(answer.ErrCode) || r.Attempts != 2 {
				t.Errorf("record %+v, want it unknown with errcode %d after 2 attempts", r, answer.ErrCode)
			}
			if !strings.Contains(r.ErrMsg, "earlier attempt") {
				t.Errorf("errmsg %q does not tell of the earlier attempt", r.ErrMsg)
			}
		})
	}
}

func TestAnAppThatWeComDoesNotAnswerIsBlocked(t *testing.T) {
	t.Parallel()
	const messages = 40
	tr := troubleWithWeCom(t, "")
	if err := tr.sim.AddFault(lostAnswer); err != nil {
		t.Fatal(err)
	}
	ids := tr.send("a", messages)
	tr.work()
	p := tr.waitUnavailable()
	arrived := len(tr.sim.Messages())
	if limit := tr.app.Concurrency + 5; arrived > limit {
		t.Errorf("%d messages were sent before the app was blocked, want at most %d", arrived, limit)
	}
	tr.sim.ClearFaults()
	tr.resume(p)
	tr.await()
	copies := map[string]int{}
	for _, m := range tr.sim.Messages() {
		copies[m.To[0]]++
	}
	for member, n := range copies {
		if n > 3 {
			t.Errorf("%s got %d copies", member, n)
		}
	}
	if len(copies) != messages {
		t.Errorf("%d members got the message, want %d", len(copies), messages)
	}
	for _, id := range ids {
		if r := tr.record(id); r.State != tasks.Accepted {
			t.Errorf("record %+v, want it accepted", r)
		}
	}
}

func TestAnOutageOfWeComCostsNoAttempt(t *testing.T) {
	t.Parallel()
	const waiting, alerts = 40, 3
	address := freeport.Address(t) // nobody listens there
	tr := troubleWithWeCom(t, "http://"+address)
	ids := tr.send("a", waiting)
	tr.work()
	p := tr.waitUnavailable()
	if s, err := p.Status(t.Context()); err != nil || !strings.Contains(s.Reason, "connection refused") {
		t.Errorf("status %+v, %v; want the reason in words", s, err)
	}
	ids = append(ids, tr.sendCritical("alert", alerts)...)
	waittest.Until(t, "a few tries have failed", func() bool {
		return tr.rdb.HGet(t.Context(), "wecomq:{ops}:pace", "level").Val() >= "3"
	})
	inspector := asynq.NewInspectorFromRedisClient(tr.rdb)
	retries, err := inspector.ListRetryTasks("ops:default", asynq.PageSize(waiting))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range retries {
		if task.Retried != 0 {
			t.Errorf("message %s has used up %d attempts", task.ID, task.Retried)
		}
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: tr.sim, ReadHeaderTimeout: time.Minute}}
	server.Start()
	t.Cleanup(server.Close)
	waittest.Until(t, "all messages have arrived", func() bool { return len(tr.sim.Messages()) == len(ids) })
	last := 0
	for i, m := range tr.sim.Messages() {
		if strings.HasPrefix(m.To[0], "alert") {
			last = i
		}
	}
	if before := last + 1 - alerts; before > tr.app.Concurrency {
		t.Errorf("%d messages arrived before the alerts, want at most one for each call in flight", before)
	}
}

// troubleWithWeCom is a worker with four calls in flight; "" stands for the simulator
// itself.
func troubleWithWeCom(t *testing.T, wecomURL string) *trouble {
	t.Helper()
	server := redistest.Start(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	if wecomURL == "" {
		wecomURL = url
	}
	tr := newTrouble(t, server.Client(), server.URL(), sim, wecomURL)
	tr.app.Concurrency, tr.app.OnUnknown = 4, worker.Resend
	return tr
}

// waitUnavailable waits until the app is blocked because WeCom does not answer.
func (tr *trouble) waitUnavailable() *pacing.Pacer {
	tr.Helper()
	p := pacing.New(tr.rdb, pacing.Config{App: "ops"})
	waittest.Until(tr.T, "the app is unavailable", func() bool {
		s, err := p.Status(tr.Context())
		return err == nil && s.State == pacing.Unavailable
	})
	return p
}

// resume does what `wecomq app resume` does.
func (tr *trouble) resume(p *pacing.Pacer) {
	tr.Helper()
	errs := []error{p.Resume(tr.Context())}
	for _, priority := range tasks.Priorities() {
		errs = append(errs, tr.rdb.Del(tr.Context(), "asynq:{"+tasks.Queue("ops", priority)+"}:paused").Err())
	}
	if err := errors.Join(errs...); err != nil {
		tr.Fatal(err)
	}
}
