package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// realQueue is the producer and the ledger, as the gateway wires them.
type realQueue struct {
	producer *producer.Producer
	finder   *lookup.Finder
}

func (q realQueue) Enqueue(ctx context.Context, m webhook.Message) (string, bool, error) {
	receipt, err := q.producer.Send(ctx, m.Request, producer.Options{Priority: m.Priority, IdempotencyKey: m.IdempotencyKey})
	return receipt.ID, receipt.Duplicate, err
}

func (q realQueue) Done(ctx context.Context, _, id string) (bool, error) {
	record, err := q.finder.Message(ctx, id)
	if errors.Is(err, lookup.ErrNotFound) {
		return true, nil
	}
	return record.State.Final(), err
}

// whole is all of wecomq in one process, and a simulated WeCom.
type whole struct {
	handler *webhook.Handler
	sim     *wecomtest.Simulator
}

func newWhole(t *testing.T, cfg webhook.Config) whole {
	t.Helper()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	rdb := redistest.New(t)
	w, err := worker.New(worker.Config{Redis: rdb, Apps: []worker.App{{Name: "ops", AgentID: "1000002", Sender: client}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	q := realQueue{p, lookup.New(rdb, "ops", ledger.New(rdb, "ops", time.Hour))}
	h, err := webhook.New(rdb, q, cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.Run(ctx) })
	running.Go(func() { _ = h.Run(ctx, []string{"ops"}) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return whole{h, sim}
}

// texts are what arrived, in order, once there are n.
func (w whole) texts(t *testing.T, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	messages, err := w.sim.WaitMessages(ctx, n)
	if err != nil {
		t.Fatalf("%d messages arrived, want %d: %v", len(messages), n, err)
	}
	texts := make([]string, len(messages))
	for i, m := range messages {
		texts[i] = m.Text
	}
	return texts
}

func TestResolvedFollowsAFiringThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWhole(t, testConfig())
	busy := wecomtest.Fault{API: "message/send", Match: &wecomtest.Match{Content: "firing a"}, ErrCode: -1, Times: 2}
	if err := w.sim.AddFault(busy); err != nil {
		t.Fatal(err)
	}
	for _, g := range []string{group("a"), group("!a"), group("!a", "b"), group("a", "b"), group("c wecom_to_user=carol")} {
		if got := post(t, w.handler, "alertmanager", "to_user=alice", g, nil); got.status != http.StatusAccepted {
			t.Fatalf("status %d: %s", got.status, got.body)
		}
	}
	var got []string
	for _, text := range w.texts(t, 5) {
		if text != "firing c" { // the address named alice, so it is of the same group
			got = append(got, text)
		}
	}
	want := []string{"firing a", "resolved a", "firing b a", "firing a b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}
