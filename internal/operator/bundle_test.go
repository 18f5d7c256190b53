package operator_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// bundle is a deployment with app ops. The tests themselves act as its worker.
type bundle struct {
	*testing.T
	*daemontest.Deployment

	ledger   *ledger.Ledger
	operator *operator.Operator
}

func newBundle(t *testing.T) *bundle {
	t.Helper()
	return newBundleOf(t, daemontest.Config{})
}

func newBundleOf(t *testing.T, cfg daemontest.Config) *bundle {
	t.Helper()
	b := &bundle{T: t, Deployment: daemontest.New(t, cfg)}
	b.ledger = ledger.New(b.Redis, "ops", time.Hour) // on the connection whose commands tests make fail
	b.operator = operator.New(operator.Config{Redis: b.Redis, App: "ops", Ledger: b.ledger, Recaller: b.Client("ops")})
	return b
}

func (b *bundle) send(to string, options producer.Options) producer.Receipt {
	b.Helper()
	return b.Send("ops", daemontest.Text(to, "磁盘满 <93%>"), options)
}

// payload is the payload of the task with an id in the queue.
func (b *bundle) payload(queue, id string) tasks.Payload {
	b.Helper()
	info, err := b.Asynq.GetTaskInfo(queue, id)
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
	pacer := pacing.New(b.Redis, pacing.Config{App: "ops", RecordTTL: time.Hour})
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
	if err := b.Asynq.ArchiveTask(queue, id); err != nil {
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
	reply, err := b.Client("ops").SendContext(b.Context(), message.APISend, request)
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
