//go:build unix

package worker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// TestAStormOfAnAppThatHangs sends for two apps, and WeCom answers none of the calls of
// one. That is healed only after all messages of the other have arrived.
func TestAStormOfAnAppThatHangs(t *testing.T) { //nolint:paralleltest // each storm has the machine for itself
	n := 200 * scaleOfStorm(t)
	server := redisServer(t)
	ops, hr := newTenant(t, server, "ops"), newTenant(t, server, "hr")
	ops.neighbours = []worker.App{hr.app}
	ops.work()
	hr.batch("well", n)
	ops.serve("well", n)
	if err := hr.sim.AddFault(wecomtest.Fault{API: message.APISend, Hang: true}); err != nil {
		t.Fatal(err)
	}
	hr.batch("hung", n)
	ops.serve("hung", n)
	if arrived := len(hr.sim.Messages()); arrived == 2*n {
		t.Error("all messages of hr arrived while WeCom hung for it")
	}
	ops.booksBalance(ops.sent)
	hr.sim.ClearFaults()
	hr.settle(hr.sent)
}

// tenant is one of several apps that a worker serves, with a simulated WeCom of its own.
type tenant struct {
	*trouble
	sent *load
}

func newTenant(t *testing.T, server *redistest.Server, name string) *tenant {
	t.Helper()
	sim, url := newSimulator(t, stormRules())
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	tr.app = stormy(tr.app)
	tr.app.Name = name
	return &tenant{tr, &load{T: t, acked: map[string]string{}}}
}

// batch enqueues n messages.
func (t *tenant) batch(members string, n int) {
	t.Helper()
	for i, id := range t.send(members, n) {
		t.sent.acked[fmt.Sprint(members, i)] = id
	}
}

// serve enqueues n messages and waits until all have arrived.
func (t *tenant) serve(members string, n int) {
	t.Helper()
	began := time.Now()
	t.batch(members, n)
	t.awaitWithin(stormPatience)
	t.Logf("%d messages of %s, the other app %s: %s", n, t.app.Name, members, time.Since(began).Round(time.Millisecond))
}
