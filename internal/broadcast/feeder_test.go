package broadcast_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestABroadcastThatHasLostItsTaskGoesOn(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	ended := b.create(b.draft("cancelled", list(10)))
	if _, err := b.store.Cancel(t.Context(), ended.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	created := b.create(b.draft("hello", list(10)))
	for _, id := range []string{ended.ID, created.ID} {
		if err := b.Asynq.DeleteTask("ops:bulk", id); err != nil {
			t.Fatal(err)
		}
	}
	b.heal()
	if _, err := b.Asynq.GetTaskInfo("ops:bulk", ended.ID); err == nil {
		t.Error("a broadcast that has ended got a task")
	}
	b.work()
	b.await(created.ID, broadcast.Finished)
	b.eachOnce(created.ID, 10)
}

func TestABroadcastWhoseTasksSomebodyArchivesGoesOn(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("你好 {{.name}}", list(10)))
	if _, err := b.store.Feed(t.Context(), created.ID); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{created.ID, created.ID + ".0.3"} {
		if err := b.Asynq.ArchiveTask("ops:bulk", id); err != nil {
			t.Fatal(err)
		}
	}
	for _, steer := range []func(*broadcast.Store, context.Context, string, string) (*broadcast.Broadcast, error){
		(*broadcast.Store).Pause, (*broadcast.Store).Resume, // else it would wait for two minutes for the call
	} {
		if _, err := steer(b.store, t.Context(), created.ID, "bob"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Asynq.ArchiveTask("ops:bulk", created.ID); err != nil {
		t.Fatal(err)
	}
	b.heal()
	b.work()
	b.await(created.ID, broadcast.Finished)
	b.eachOnce(created.ID, 10)
}

// watch is a store whose commands are seen after Redis has answered them.
func (b *bundle) watch(see func(cmd redis.Cmder)) *broadcast.Store {
	b.Helper()
	seen := func(cmds []redis.Cmder) {
		for _, cmd := range cmds {
			see(cmd)
		}
	}
	return b.hooked(hook(seen))
}

// hooked is the store over a connection of its own, with a hook.
func (b *bundle) hooked(h redis.Hook) *broadcast.Store {
	b.Helper()
	own, err := redisconn.Open(string(b.Config.Redis.URL), 1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = own.Close() })
	own.AddHook(h)
	return broadcast.New(own, "ops", time.Hour)
}

// hook is called with commands that Redis has answered.
type hook func([]redis.Cmder)

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h([]redis.Cmder{cmd})
		return err
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		h(cmds)
		return err
	}
}

// A pause and a resume while a step enqueues: the workers may have taken back calls that
// the step thinks are in the queue.
func TestAStepDoesNotUndoAResume(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("你好 {{.name}}", list(10)))
	var once sync.Once
	feeder := b.watch(func(cmd redis.Cmder) {
		if !slices.ContainsFunc(cmd.Args(), func(arg any) bool { key, _ := arg.(string); return strings.Contains(key, "t:"+created.ID+".0.0") }) {
			return
		}
		once.Do(func() {
			for _, steer := range []func(context.Context, string, string) (*broadcast.Broadcast, error){b.store.Pause, b.store.Resume} {
				if _, err := steer(t.Context(), created.ID, "bob"); err != nil {
					t.Error(err)
				}
			}
		})
	})
	if _, err := feeder.Feed(t.Context(), created.ID); err != nil {
		t.Fatal(err)
	}
	cursor := func() string { return b.Redis.HGet(t.Context(), keys.Broadcast("ops", created.ID), "cursor").Val() }
	if got := cursor(); !strings.HasPrefix(got, "0 0 0") {
		t.Errorf("after the resume the next step begins at %q, and calls that were taken back wait until it stalls", got)
	}
	if _, err := feeder.Feed(t.Context(), created.ID); err != nil {
		t.Fatal(err)
	}
	if got := cursor(); got != "1 0 10" {
		t.Errorf("the next step ends at %q", got)
	}
}

// The queue counts in whole seconds, rounded up.
func TestTheFeederComesBackWithTheNextSecond(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(10)))
	step, err := b.store.Feed(t.Context(), created.ID)
	if err != nil || step.Over || step.Wait > time.Second/2 {
		t.Errorf("%+v (%v), want a pause that is a second at most when it is rounded up", step, err)
	}
}

func TestABlockThatIsLostIsTold(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(10)))
	if err := b.Redis.Del(t.Context(), keys.BroadcastBlocks("ops", created.ID)).Err(); err != nil {
		t.Fatal(err)
	}
	_, err := b.store.Feed(t.Context(), created.ID)
	if err == nil || !strings.Contains(err.Error(), "cancel the broadcast, and create it again") {
		t.Errorf("error %v does not say what to do", err)
	}
}

// A broadcast may wait for longer than a file is kept after it was needed last.
func TestTheFileOfABroadcastIsKeptWhileItWaits(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	for i, change := range []func(*broadcast.Spec){
		func(s *broadcast.Spec) { s.NeedsApproval = true },
		func(s *broadcast.Spec) { s.At = time.Now().Add(time.Hour) },
	} {
		picture := fmt.Appendf(nil, "\x89PNG\r\n\x1a\n and %d", i)
		ref, err := b.Media(b.App("ops")).Keep(t.Context(), wecom.MediaImage, "", picture)
		if err != nil {
			t.Fatal(err)
		}
		template, err := compose.ParseTemplate([]byte(`{"msgtype":"image","image":{"media_id":"` + ref.String() + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		draft := b.compile(template, list(3))
		change(&draft.Spec)
		created := b.create(draft)
		key := keys.MediaContent("ops", ref.Hash)
		b.Redis.PExpire(t.Context(), key, time.Minute) // as if it had waited
		b.heal()
		if left := b.Redis.TTL(t.Context(), key).Val(); left < 50*time.Minute {
			t.Errorf("the file of a broadcast that is %s ends in %s", created.State, left)
		}
	}
}

func (b *bundle) heal() {
	b.Helper()
	if err := b.store.Heal(b.Context()); err != nil {
		b.Error(err)
	}
}

func TestAReportReadsWhatWasTriedOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(5*tasks.CallsPerBlock)))
	if _, err := b.store.Cancel(t.Context(), created.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	asked := 0
	watched := b.watch(func(cmd redis.Cmder) {
		if len(cmd.Args()) > 1 && cmd.Args()[1] == keys.BroadcastOpen("ops", created.ID) {
			asked++
		}
	})
	rows := 0
	for row, err := range watched.Report(t.Context(), created.ID) {
		if err != nil || row.State != "cancelled" {
			t.Fatalf("%+v, %v", row, err)
		}
		rows++
	}
	if rows != created.Recipients || asked > 2 { // the broadcast's own sums need them, too
		t.Errorf("%d rows of %d recipients; asked %d times which calls were tried", rows, created.Recipients, asked)
	}
}

func TestAResumedBroadcastDoesNotWaitForItsFeedersNextLook(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(10)))
	const queue = "asynq:{ops:bulk}:"
	_, err := b.Redis.TxPipelined(t.Context(), func(p redis.Pipeliner) error { // as a worker gives it back
		p.LRem(t.Context(), queue+"pending", 1, created.ID)
		p.ZAdd(t.Context(), queue+"retry", redis.Z{Score: float64(time.Now().Add(time.Hour).Unix()), Member: created.ID})
		p.HSet(t.Context(), queue+"t:"+created.ID, "state", "retry")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Pause(t.Context(), created.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Resume(t.Context(), created.ID, "bob"); err != nil {
		t.Fatal(err)
	}
	if info, err := b.Asynq.GetTaskInfo("ops:bulk", created.ID); err != nil || info.State != asynq.TaskStatePending {
		t.Errorf("its task is %+v, %v", info, err)
	}
}

func TestABroadcastEndsThoughItsTimeIsAheadAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{Rules: wecomtest.Rules{Latency: wecomtest.Duration(200 * time.Millisecond)}})
	b.work()
	created := b.create(b.draft("hello", list(10)))
	waittest.Until(t, "its call is in flight", func() bool { return b.Redis.HLen(t.Context(), keys.BroadcastOpen("ops", created.ID)).Val() == 1 })
	// As when the clock of Redis is set back before it is paused and resumed.
	if err := b.Redis.HSet(t.Context(), keys.Broadcast("ops", created.ID), "state", "scheduled").Err(); err != nil {
		t.Fatal(err)
	}
	b.await(created.ID, broadcast.Finished)
}

func TestTheReportSaysWhoMayHaveGotItTwice(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	if err := b.WeCom.AddFault(wecomtest.Fault{API: "message/send", After: true, Reset: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	b.work()
	created := b.create(b.draft("hello", list(10)))
	b.await(created.ID, broadcast.Finished)
	for user, row := range b.report(created.ID) {
		if row.State != "accepted" || !strings.Contains(row.ErrMsg, "twice") {
			t.Errorf("%s: %+v", user, row)
		}
	}
	if arrived := len(b.WeCom.Messages()); arrived != 2 {
		t.Errorf("it arrived %d times, want 2", arrived)
	}
}

// A follow-up may be split again: at its turn some of its users may be over their windows
// still.
func TestWhoWaitsForASecondFollowUpIsPending(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	created := b.create(b.draft("hello", list(4)))
	key := keys.BroadcastOutcomes("ops", created.ID, "0")
	outcome := func(call, waiting, users string) string {
		return call + " accepted 5 0\n\x00\n\n" + waiting + "\n" + users + "\n"
	}
	report := func() (states []string) {
		rows := b.report(created.ID)
		for user := range 4 {
			states = append(states, rows[fmt.Sprintf("user%06d", user)].State)
		}
		return states
	}
	for _, tt := range []struct {
		outcome string
		want    []string
	}{
		{outcome("0", "user000002|user000003", ""), []string{"accepted", "accepted", "pending", "pending"}},
		{outcome("0.1", "user000003", "user000002|user000003"), []string{"accepted", "accepted", "accepted", "pending"}},
		{outcome("0.1.1", "", "user000003"), []string{"accepted", "accepted", "accepted", "accepted"}},
	} {
		if err := b.Redis.RPush(t.Context(), key, tt.outcome).Err(); err != nil {
			t.Fatal(err)
		}
		if got := report(); !slices.Equal(got, tt.want) {
			t.Errorf("after %q they are %q, want %q", tt.outcome, got, tt.want)
		}
	}
}
