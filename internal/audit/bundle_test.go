package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

const keep = 24 * time.Hour

// bundle is what Redis holds of some apps.
type bundle struct {
	testing.TB

	rdb  redis.UniversalClient
	apps []audit.App
	ids  int
}

func newBundle(tb testing.TB, rdb redis.UniversalClient, names ...string) *bundle {
	tb.Helper()
	b := &bundle{TB: tb, rdb: rdb}
	for _, name := range names {
		b.apps = append(b.apps, audit.App{Name: name, Ledger: ledger.New(rdb, name, keep), RecordTTL: keep})
	}
	return b
}

// payload is a new message of an app.
func (b *bundle) payload(app, to string) tasks.Payload {
	b.ids++
	return tasks.Payload{
		ID: fmt.Sprintf("%s-%026d", app, b.ids), App: app, Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(),
		Body: []byte(`{"touser":"` + to + `","msgtype":"text"}`),
	}
}

// enqueue puts a new message into the queue, due at a time or at once.
func (b *bundle) enqueue(app, to string, at time.Time) tasks.Payload {
	b.Helper()
	p := b.payload(app, to)
	if err := asynqx.BulkEnqueue(b.Context(), b.rdb, time.Now(), []asynqx.Task{asynqx.NewTask(p, time.Hour, at)})[0].Err; err != nil {
		b.Fatal(err)
	}
	return p
}

// settle writes the record of a message.
func (b *bundle) settle(p tasks.Payload, s tasks.Settlement) {
	b.Helper()
	if _, err := ledger.New(b.rdb, p.App, keep).Settle(b.Context(), p, s); err != nil {
		b.Fatal(err)
	}
}

// ended is a message that ended like this, and has no task any more.
func (b *bundle) ended(app, to string, s tasks.Settlement) tasks.Payload {
	b.Helper()
	p := b.payload(app, to)
	b.settle(p, s)
	return p
}

// change sets fields of a record.
func (b *bundle) change(p tasks.Payload, fields ...any) {
	b.Helper()
	b.must(b.rdb.HSet(b.Context(), keys.Record(p.App, p.ID), fields...).Err())
}

// take makes a task active, as a worker does, without a lease.
func (b *bundle) take(p tasks.Payload) {
	b.Helper()
	queue := "asynq:{" + tasks.Queue(p.App, p.Priority) + "}:"
	b.must(b.rdb.LRem(b.Context(), queue+"pending", 1, p.ID).Err())
	b.must(b.rdb.LPush(b.Context(), queue+"active", p.ID).Err())
	b.must(b.rdb.HSet(b.Context(), queue+"t:"+p.ID, "state", "active").Err())
}

func (b *bundle) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bundle) audit(o audit.Options) audit.Result {
	b.Helper()
	result, err := audit.New(b.rdb, b.apps...).Audit(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	return result
}

// users are n userids, as WeCom separates them.
func users(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("user%d", i)
	}
	return strings.Join(names, "|")
}
