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

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// stormScale is the number in the environment variable WECOMQ_STORM, 0 without one.
func stormScale() int {
	n, _ := strconv.Atoi(os.Getenv("WECOMQ_STORM"))
	return n
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
	refused int
}

// load begins to send through a client of its own.
func (tr *trouble) load(rdb redis.UniversalClient, senders int) *load {
	tr.Helper()
	p, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		tr.Fatal(err)
	}
	ctx, stop := context.WithCancel(tr.Context())
	l := &load{T: tr.T, producer: p, stop: stop, acked: map[string]string{}}
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
			l.acked[member] = receipt.ID
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

// booksBalance compares the records of what was acknowledged with what arrived at the
// simulator: each message is accepted and arrived, and only one that is marked as a
// possible duplicate arrived more than once.
func (tr *trouble) booksBalance(l *load) {
	tr.Helper()
	arrivals := map[string]int{}
	for _, m := range tr.sim.Messages() {
		for _, member := range m.To { // nobody, of a message that was suppressed
			arrivals[member]++
		}
	}
	acked := l.acknowledged()
	lost, doubled, marked := 0, 0, 0
	for member, id := range acked {
		r, n := tr.record(id), arrivals[member]
		if r.PossibleDuplicate {
			marked++
		}
		switch {
		case r.State != tasks.Accepted || n == 0:
			lost++
			tr.Errorf("message %s to %s arrived %d times, and its record is %+v", id, member, n, r)
		case n > 1 && !r.PossibleDuplicate:
			tr.Errorf("message %s to %s arrived %d times unmarked: %+v", id, member, n, r)
		case n > 1:
			doubled++
		}
	}
	tr.Logf("%d messages acknowledged, %d refused: %d lost, %d marked as possible duplicates, %d of them doubled",
		len(acked), l.refused, lost, marked, doubled)
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
