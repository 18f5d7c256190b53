package broadcast_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
)

// bundle is a deployment with app ops and its broadcasts.
type bundle struct {
	*testing.T
	*daemontest.Deployment

	store *broadcast.Store
}

func newBundle(t *testing.T, cfg daemontest.Config) *bundle {
	t.Helper()
	b := &bundle{T: t, Deployment: daemontest.New(t, cfg)}
	b.store = b.Broadcasts(b.App("ops"))
	return b
}

// work runs a worker until the end of the test, or until stop is called.
func (b *bundle) work() (stop func()) {
	b.Helper()
	_, stop = b.Start(daemon.Config{Worker: true})
	return stop
}

// list is a CSV of n recipients with a name each.
func list(n int) string {
	var text strings.Builder
	text.WriteString("userid,name\n")
	for i := range n {
		fmt.Fprintf(&text, "user%06d,名字%d\n", i, i)
	}
	return text.String()
}

// draft compiles a broadcast of a text.
func (b *bundle) draft(text, csv string) broadcast.Draft {
	b.Helper()
	template, err := compose.TextTemplate(message.TypeText, text)
	if err != nil {
		b.Fatal(err)
	}
	return b.compile(template, csv)
}

func (b *bundle) compile(template *compose.Template, csv string) broadcast.Draft {
	b.Helper()
	compiled, err := compose.Compile(b.Context(), strings.NewReader(csv), template, compose.Options{TempDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = compiled.Close() })
	return broadcast.Draft{Spec: broadcast.Spec{Template: template, CreatedBy: "anna"}, List: compiled}
}

func (b *bundle) create(d broadcast.Draft) *broadcast.Broadcast {
	b.Helper()
	created, duplicate, err := b.store.Create(b.Context(), d)
	if err != nil {
		b.Fatal(err)
	}
	if duplicate {
		b.Fatalf("%s is a duplicate", created.ID)
	}
	return created
}

func (b *bundle) get(id string) *broadcast.Broadcast {
	b.Helper()
	current, err := b.store.Get(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	if sum := current.Counts.Accepted + current.Counts.Failed() + current.Counts.Cancelled + current.Counts.Pending; sum != current.Recipients {
		b.Errorf("%+v adds up to %d of %d recipients", current.Counts, sum, current.Recipients)
	}
	return current
}

// await waits until the broadcast has a state.
func (b *bundle) await(id string, state broadcast.State) *broadcast.Broadcast {
	b.Helper()
	waittest.Until(b.T, "the broadcast is "+string(state), func() bool { return b.get(id).State == state })
	return b.get(id)
}

// report is the state of each recipient.
func (b *bundle) report(id string) map[string]broadcast.Row {
	b.Helper()
	rows := map[string]broadcast.Row{}
	for row, err := range b.store.Report(b.Context(), id) {
		if err != nil {
			b.Fatal(err)
		}
		if _, twice := rows[row.Recipient]; twice {
			b.Errorf("%s is in the report twice", row.Recipient)
		}
		rows[row.Recipient] = row
	}
	return rows
}

// eachOnce checks that n recipients got it, each once, and that the report says so.
func (b *bundle) eachOnce(id string, n int) {
	b.Helper()
	received := map[string]int{}
	for _, m := range b.WeCom.Messages() {
		for _, user := range m.To {
			received[user]++
		}
	}
	rows := b.report(id)
	for user, row := range rows {
		if row.State != "accepted" || row.MsgID == "" || row.At.IsZero() {
			b.Errorf("row %+v", row)
		}
		if received[user] != 1 {
			b.Errorf("%s got it %d times", user, received[user])
		}
	}
	if len(rows) != n || len(received) != n {
		b.Errorf("%d rows and %d members who got it, want %d", len(rows), len(received), n)
	}
}
