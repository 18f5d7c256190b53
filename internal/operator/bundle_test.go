package operator_test

import (
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// bundle is a Redis with app ops, and a WeCom. The tests themselves are its worker.
type bundle struct {
	*testing.T
	rdb       redis.UniversalClient
	sim       *wecomtest.Simulator
	wecom     *message.Client
	producer  *producer.Producer
	ledger    *ledger.Ledger
	inspector *asynq.Inspector
	operator  *operator.Operator
	finder    *lookup.Finder
}

func newBundle(t *testing.T) *bundle {
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
	p, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{
		T: t, rdb: rdb, sim: sim, wecom: message.NewClient(client, strconv.Itoa(wecomtest.AgentID)), producer: p,
		ledger: ledger.New(rdb, "ops", time.Hour), inspector: asynq.NewInspectorFromRedisClient(rdb),
	}
	b.finder = lookup.New(rdb, "ops", b.ledger)
	b.operator = operator.New(operator.Config{Redis: rdb, App: "ops", Ledger: b.ledger, Recaller: b.wecom})
	return b
}

func (b *bundle) send(to string, options producer.Options) producer.Receipt {
	b.Helper()
	receipt, err := b.producer.Send(b.Context(), message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: "磁盘满 <93%>"},
	}, options)
	if err != nil {
		b.Fatal(err)
	}
	return receipt
}

// payload is what waits in the queue under an id.
func (b *bundle) payload(queue, id string) tasks.Payload {
	b.Helper()
	info, err := b.inspector.GetTaskInfo(queue, id)
	if err != nil {
		b.Fatal(err)
	}
	p, err := tasks.Decode(info.Type, info.Payload)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// admit begins an attempt, as a worker does.
func (b *bundle) admit(p tasks.Payload) tasks.Admission {
	b.Helper()
	pacer := pacing.New(b.rdb, pacing.Config{App: "ops", RecordTTL: time.Hour})
	a, err := pacer.Admit(b.Context(), tasks.AdmissionRequest{
		Payload: p, Policy: tasks.ResendPolicy{InFlight: time.Minute, Window: tasks.Forever, Resends: tasks.Unlimited}, Users: []string{p.ID},
	})
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// end settles a queued message as a worker does, and ends its task.
func (b *bundle) end(queue, id string, s tasks.Settlement) tasks.Record {
	b.Helper()
	p := b.payload(queue, id)
	b.admit(p)
	record, err := b.ledger.Settle(b.Context(), p, s)
	if err != nil {
		b.Fatal(err)
	}
	if err := b.inspector.ArchiveTask(queue, id); err != nil {
		b.Fatal(err)
	}
	return record
}

// deliver sends a queued message to WeCom and settles it.
func (b *bundle) deliver(queue, id string) tasks.Record {
	b.Helper()
	request, err := message.ParseLenient(b.payload(queue, id).Body)
	if err != nil {
		b.Fatal(err)
	}
	reply, err := b.wecom.SendContext(b.Context(), message.APISend, request)
	if err != nil {
		b.Fatal(err)
	}
	return b.end(queue, id, tasks.Settlement{State: tasks.Accepted, MsgID: reply.MsgID})
}

func (b *bundle) record(id string) tasks.Record {
	b.Helper()
	record, err := b.ledger.Record(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return record
}

// dead are the ids on the list of dead letters.
func (b *bundle) dead() []string {
	b.Helper()
	ids := []string{}
	for record, err := range b.ledger.DeadLetters(b.Context(), ledger.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, record.ID)
	}
	return ids
}
