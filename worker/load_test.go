package worker_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/worker"
)

// stormScale is the number in the environment variable WECOMQ_STORM, 0 without one.
func stormScale() int {
	n, _ := strconv.Atoi(os.Getenv("WECOMQ_STORM"))
	return n
}

// stormy is an app that is limited by the machine only, and sends whatever is in doubt
// again.
func stormy(app worker.App) worker.App {
	app.OnUnknown, app.UnknownResends, app.Limits = worker.Resend, 1000, tasks.DefaultLimits()
	app.Limits.CallsPerMinute = 600_000
	return app
}

// load is what several producers send at once, each message to a member of its own,
// until it ends.
type load struct {
	*testing.T
	producer *producer.Producer
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu      sync.Mutex
	acked   map[string]string // id by member
	ackedAt map[string]time.Time
	refused int
}

// load begins to send through a client of its own, which prepare may change.
func (tr *trouble) load(redisURL string, senders int, prepare ...func(redis.UniversalClient)) *load {
	tr.Helper()
	rdb, err := redisconn.Open(redisURL, senders)
	if err != nil {
		tr.Fatal(err)
	}
	tr.Cleanup(func() { _ = rdb.Close() })
	for _, change := range prepare {
		change(rdb)
	}
	p, err := producer.New(rdb, producer.Config{App: tr.app.Name})
	if err != nil {
		tr.Fatal(err)
	}
	ctx, stop := context.WithCancel(tr.Context())
	l := &load{T: tr.T, producer: p, stop: stop, acked: map[string]string{}, ackedAt: map[string]time.Time{}}
	for sender := range senders {
		l.running.Go(func() { l.send(ctx, sender) })
	}
	tr.Cleanup(func() { l.end() })
	return l
}

// send sends one message after the other. One that was refused may have been enqueued or
// not, and is not sent again.
func (l *load) send(ctx context.Context, sender int) {
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		member := fmt.Sprint("m", sender, "-", n)
		receipt, err := l.producer.Send(context.WithoutCancel(ctx), text(member, "x"), producer.Options{})
		l.mu.Lock()
		if err == nil {
			l.acked[member], l.ackedAt[member] = receipt.ID, time.Now()
		} else {
			l.refused++
		}
		l.mu.Unlock()
		if err != nil {
			<-pause.C
		}
	}
}

// count is how many messages were acknowledged so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// more waits until so many more messages were acknowledged.
func (l *load) more(n int) {
	l.Helper()
	want := l.count() + n
	waittest.Within(l.T, stormPatience, fmt.Sprint(n, " more messages are acknowledged"), func() bool { return l.count() >= want })
}

// end waits for the messages under way.
func (l *load) end() {
	l.stop()
	l.running.Wait()
}

// acknowledged are the ids by member.
func (l *load) acknowledged() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.acked)
}

// stormPatience bounds a wait in a storm.
const stormPatience = 5 * time.Minute

// books compare the records of what was acknowledged with what arrived at the simulator.
type books struct {
	acked, refused int
	lost           map[string]string // by member, what did not arrive, or has no record that says so
	absent         int               // of those, what did not arrive
	marked         int               // as possible duplicates
	doubled        int               // of those, what arrived more than once
	unmarked       []string          // what did so without a mark
}

func (b books) String() string {
	return fmt.Sprintf("%d messages acknowledged, %d refused: %d lost, %d marked as possible duplicates, %d of them doubled, %d doubled unmarked",
		b.acked, b.refused, len(b.lost), b.marked, b.doubled, len(b.unmarked))
}

func (tr *trouble) books(l *load) books {
	tr.Helper()
	arrivals := map[string]int{}
	for _, m := range tr.sim.Messages() {
		for _, member := range m.To { // nobody, of a message that was suppressed
			arrivals[member]++
		}
	}
	acked, kept := l.acknowledged(), ledger.New(tr.rdb, tr.app.Name, time.Hour)
	b := books{acked: len(acked), refused: l.refused, lost: map[string]string{}}
	for member, id := range acked {
		r, err := kept.Record(tr.Context(), id)
		n := arrivals[member]
		what := fmt.Sprintf("%s to %s arrived %d times; state %q, errmsg %q, %d attempts, %v", id, member, n, r.State, r.ErrMsg, r.Attempts, err)
		if r.PossibleDuplicate {
			b.marked++
		}
		if n == 0 {
			b.absent++
		}
		switch {
		case r.State != tasks.Accepted || n == 0:
			b.lost[member] = what
		case n > 1 && !r.PossibleDuplicate:
			b.unmarked = append(b.unmarked, what)
		case n > 1:
			b.doubled++
		}
	}
	return b
}

// booksBalance checks that nothing acknowledged was lost, and that only what is marked
// as a possible duplicate arrived more than once. The audit must find nothing either.
func (tr *trouble) booksBalance(l *load) {
	tr.Helper()
	audittest.Balanced(tr, tr.rdb, tr.app.Name)
	b := tr.books(l)
	tr.Log(b)
	for _, what := range b.lost {
		tr.Error("lost: ", what)
	}
	for _, what := range b.unmarked {
		tr.Error("doubled unmarked: ", what)
	}
}

// isForgotten reports whether Redis has neither the task nor the record of a message.
func (tr *trouble) isForgotten(id string) bool {
	tr.Helper()
	found, err := tr.rdb.Exists(tr.Context(), recordKey(id)).Result()
	if err == nil && found == 0 {
		found, err = tr.rdb.Exists(tr.Context(), "asynq:{ops:default}:t:"+id).Result()
	}
	return err == nil && found == 0
}

// isStored checks that Redis has the task or the record of each message.
func (tr *trouble) isStored(ids map[string]string) {
	tr.Helper()
	found := map[string]*redis.IntCmd{}
	_, err := tr.rdb.Pipelined(tr.Context(), func(p redis.Pipeliner) error {
		for member, id := range ids {
			found[member] = p.Exists(tr.Context(), recordKey(id), "asynq:{ops:default}:t:"+id)
		}
		return nil
	})
	if err != nil {
		tr.Fatal(err)
	}
	var missing []string
	for member, there := range found {
		if there.Val() == 0 {
			missing = append(missing, ids[member])
		}
	}
	if len(missing) > 0 {
		tr.Errorf("Redis has lost %d messages that it acknowledged: %s", len(missing), strings.Join(missing, ", "))
	}
}
