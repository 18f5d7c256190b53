package operator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const queue = "ops:default"

func (b *bundle) replay(id string) operator.Replay {
	b.Helper()
	replays, err := b.operator.Replay(b.Context(), id)
	if err != nil || len(replays) != 1 {
		b.Fatalf("replays %+v, error %v; want one", replays, err)
	}
	return replays[0]
}

func TestAReplayGoesToThoseWhoDidNotGetTheMessage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ends   tasks.Settlement
		to     string
		warned bool
	}{
		"rejected: all of them": {tasks.Settlement{State: tasks.Rejected, ErrCode: 45002}, "Chen.Li|wang_wu|zhao", false},
		"unknown: all of them, with a warning": {
			tasks.Settlement{State: tasks.Unknown, OutcomeUnknown: true}, "Chen.Li|wang_wu|zhao", true,
		},
		"partial: those who are invalid or unlicensed": {
			tasks.Settlement{State: tasks.Partial, MsgID: "m1", Recipients: tasks.Recipients{
				Accepted: 1, Invalid: []string{"chen.li"}, Unlicensed: []string{"zhao"},
			}}, "Chen.Li|zhao", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t)
			receipt := b.send("Chen.Li|wang_wu|zhao", producer.Options{ExpiresIn: time.Hour})
			b.end(queue, receipt.ID, tc.ends)
			replay := b.replay(receipt.ID)
			if replay.ID != receipt.ID || replay.Duplicate || (replay.Warning != "") != tc.warned {
				t.Errorf("replay %+v, want a warning: %t", replay, tc.warned)
			}
			p := b.payload(replay.Queue, replay.ReplayedAs)
			want := `{"touser":"` + tc.to + `","msgtype":"text","agentid":"","text":{"content":"磁盘满 <93%>"}}`
			if diff := cmp.Diff(want, string(p.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if !p.ExpiresAt.IsZero() || p.ReplayOf != receipt.ID || replay.Recipients != strings.Count(tc.to, "|")+1 {
				t.Errorf("payload %+v, replay %+v; want no deadline, and replay_of %s", p, replay, receipt.ID)
			}
			if got := b.record(receipt.ID); got.ReplayedAs != replay.ReplayedAs || len(b.dead()) != 0 {
				t.Errorf("the old record %+v, dead letters %v; want replayed_as and none", got, b.dead())
			}
			if got := b.deliver(replay.Queue, replay.ReplayedAs); got.ReplayOf != receipt.ID || got.State != tasks.Accepted {
				t.Errorf("the new record %+v, want replay_of", got)
			}
			if again := b.replay(receipt.ID); !again.Duplicate || again.ReplayedAs != replay.ReplayedAs {
				t.Errorf("the second replay is %+v, want a duplicate", again)
			}
		})
	}
}

func TestOnlyOneOfManyReplaysEnqueues(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	b.end(queue, receipt.ID, tasks.Settlement{State: tasks.Rejected})
	fresh := make(chan bool, 10)
	var wg sync.WaitGroup
	for range cap(fresh) {
		wg.Go(func() {
			replays, err := b.operator.Replay(t.Context(), receipt.ID)
			if err != nil {
				t.Error(err)
				return
			}
			fresh <- !replays[0].Duplicate
		})
	}
	wg.Wait()
	close(fresh)
	n := 0
	for f := range fresh {
		if f {
			n++
		}
	}
	if pending := b.Redis.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); n != 1 || pending != 1 {
		t.Errorf("%d replays enqueued, %d messages wait; want one", n, pending)
	}
}

func TestAReplayThatDiedHalfwayIsMadeGood(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	b.end(queue, receipt.ID, tasks.Settlement{State: tasks.Rejected})
	// The claim exists, but the message does not: the process died in between.
	as := tasks.IDFromKey("ops", "replay\x00"+receipt.ID)
	if claimed, err := b.ledger.ClaimReplay(t.Context(), receipt.ID, as); err != nil || !claimed {
		t.Fatalf("claimed %t, error %v", claimed, err)
	}
	if replay := b.replay(receipt.ID); replay.Duplicate || replay.ReplayedAs != as {
		t.Errorf("replay %+v, want it enqueued as %s", replay, as)
	}
	b.payload(queue, as)
}

// fullQueues makes a client's pipelines, which enqueue tasks, fail while it is set.
type fullQueues struct{ atomic.Bool }

func (*fullQueues) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*fullQueues) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (f *fullQueues) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		isScript := func(cmd redis.Cmder) bool { return strings.HasPrefix(cmd.Name(), "eval") } // the others open a connection
		if !f.Load() || !slices.ContainsFunc(cmds, isScript) {
			return next(ctx, cmds)
		}
		err := errors.New("OOM command not allowed when used memory > 'maxmemory'")
		for _, cmd := range cmds {
			cmd.SetErr(err)
		}
		return err
	}
}

func TestAReplayThatCannotBeEnqueuedStaysADeadLetter(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send("a", producer.Options{})
	b.end(queue, receipt.ID, tasks.Settlement{State: tasks.Rejected})
	full := &fullQueues{}
	b.Redis.AddHook(full)
	full.Store(true)
	if _, err := b.operator.Replay(t.Context(), receipt.ID); err == nil {
		t.Fatal("no error, though nothing was enqueued")
	}
	full.Store(false)
	if got := b.record(receipt.ID); got.ReplayedAs != "" || len(b.dead()) != 1 {
		t.Errorf("record %+v, dead letters %v; want it as it was", got, b.dead())
	}
	b.replay(receipt.ID)
}

func TestWhatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	waits := b.send("a", producer.Options{})
	if _, err := b.operator.Replay(t.Context(), waits.ID); !errors.Is(err, ledger.ErrNotReplayable) {
		t.Errorf("a message that waits: error %v", err)
	}
	if _, err := b.ledger.ClaimReplay(t.Context(), waits.ID, "x"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a message without a record: error %v", err)
	}
	sent := b.send("a", producer.Options{})
	b.deliver(queue, sent.ID)
	if _, err := b.operator.Replay(t.Context(), sent.ID); !errors.Is(err, ledger.ErrNotReplayable) || !strings.Contains(err.Error(), "is accepted") {
		t.Errorf("a message that was sent: error %v", err)
	}
	if _, err := b.ledger.ClaimReplay(t.Context(), sent.ID, "x"); !errors.Is(err, ledger.ErrNotReplayable) {
		t.Errorf("a claim for a message that was sent: error %v", err)
	}
}

func manyUsers(n int) string {
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprint("user", i)
	}
	return strings.Join(users, "|")
}

func TestOfAMessageInPartsThoseThatFailedAreReplayed(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	receipt := b.send(manyUsers(2500), producer.Options{})
	first, second, third := receipt.ID, tasks.PartID(receipt.ID, 2), tasks.PartID(receipt.ID, 3)
	b.deliver(queue, first)
	b.end(queue, second, tasks.Settlement{State: tasks.Rejected, ErrCode: 45033})
	b.end(queue, third, tasks.Settlement{State: tasks.Rejected, ErrCode: 45033})
	one, err := b.operator.Replay(t.Context(), third)
	if err != nil || len(one) != 1 || one[0].ID != third || one[0].Recipients != 500 {
		t.Errorf("replay of part three: %+v, error %v", one, err)
	}
	rest, err := b.operator.Replay(t.Context(), receipt.ID)
	if err != nil || len(rest) != 2 || rest[0].ID != second || rest[0].Duplicate || !rest[1].Duplicate {
		t.Errorf("replay of the message: %+v, error %v; want part two, and three a duplicate", rest, err)
	}
}

func TestPurgeForgetsDeadLettersButNotTheirRecords(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	content := tasks.Settlement{State: tasks.Rejected, ErrCode: 45002}
	recipient := tasks.Settlement{State: tasks.Rejected, ErrCode: 81013}
	var ids []string
	for i := range 4 {
		receipt := b.send("a", producer.Options{})
		ids = append(ids, receipt.ID)
		b.end(queue, receipt.ID, []tasks.Settlement{content, recipient}[i%2])
	}
	code := recipient.ErrCode
	for _, step := range []struct {
		query ledger.Query
		want  int
	}{
		{ledger.Query{Until: time.Now().Add(-time.Hour)}, 0},
		{ledger.Query{ErrCode: &code}, 2},
		{ledger.Query{Until: time.Now().Add(time.Minute)}, 2},
	} {
		if n, err := b.operator.Purge(t.Context(), step.query); err != nil || n != step.want {
			t.Errorf("purged %d, error %v; want %d", n, err, step.want)
		}
	}
	if dead := b.dead(); len(dead) != 0 {
		t.Errorf("dead letters %v, want none", dead)
	}
	for _, id := range ids {
		if got := b.record(id); got.State != tasks.Rejected {
			t.Errorf("record %+v, want it as it was", got)
		}
		if b.Redis.Exists(t.Context(), keys.Payload("ops", id)).Val() != 0 {
			t.Errorf("the payload of %s is kept", id)
		}
		if _, err := b.Asynq.GetTaskInfo(queue, id); !errors.Is(err, asynq.ErrTaskNotFound) {
			t.Errorf("the dashboard still shows %s: %v", id, err)
		}
	}
}
