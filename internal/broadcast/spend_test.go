package broadcast_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

func TestABroadcastThatManyStartAtOnceIsPaidOnce(t *testing.T) {
	t.Parallel()
	const starters = 8
	b := newBundle(t, daemontest.Config{})
	var spent, asked atomic.Int64
	var met sync.WaitGroup // all have asked before one goes on, as those who press a button twice
	met.Add(starters)
	b.store.Spend = func(_ context.Context, recipients int) (func(), error) {
		spent.Add(int64(recipients))
		asked.Add(1)
		met.Done()
		met.Wait()
		return func() { spent.Add(-int64(recipients)) }, nil
	}
	prepared, err := b.store.Prepare(t.Context(), b.draft("x", list(5)))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range starters {
		all.Go(func() {
			if _, err := b.store.Start(t.Context(), prepared.ID, prepared.Digest); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if asked.Load() != starters || spent.Load() != 5 {
		t.Errorf("%d asked and %d recipients are paid, want %d and 5", asked.Load(), spent.Load(), starters)
	}
}

func TestABroadcastThatMayRunIsPaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		loses bool // before the start, one of its blocks
		fails error
		want  int64
	}{
		"a start that no replica has confirmed": {fails: &durability.UnconfirmedError{}, want: 5},
		"a start whose answer was lost":         {fails: io.ErrUnexpectedEOF, want: 5},
		"a block that is gone":                  {loses: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, daemontest.Config{})
			var spent atomic.Int64
			prepared, err := b.store.Prepare(t.Context(), b.draft("x", list(5)))
			if err != nil {
				t.Fatal(err)
			}
			connection := &answerless{}
			store := b.hooked(connection)
			store.Spend = func(_ context.Context, recipients int) (func(), error) {
				spent.Add(int64(recipients))
				connection.err = tc.fails
				return func() { spent.Add(-int64(recipients)) }, nil
			}
			if tc.loses {
				b.Redis.Del(t.Context(), keys.BroadcastBlocks("ops", prepared.ID))
			}
			if _, err := store.Start(t.Context(), prepared.ID, prepared.Digest); err == nil {
				t.Fatal("it started")
			}
			if spent.Load() != tc.want {
				t.Errorf("%d recipients are paid, want %d", spent.Load(), tc.want)
			}
		})
	}
}

// answerless is a connection over which all is done and then fails, once err is set.
type answerless struct{ err error }

func (h *answerless) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *answerless) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := next(ctx, cmd); err != nil || h.err == nil {
			return err
		}
		cmd.SetErr(h.err)
		return h.err
	}
}

func (h *answerless) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestABroadcastThatCannotBePaidIsNotStarted(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	poor := errors.New("no room")
	b.store.Spend = func(context.Context, int) (func(), error) { return nil, poor }
	d := b.draft("x", list(5))
	if _, _, err := b.store.Create(t.Context(), d); !errors.Is(err, poor) {
		t.Fatalf("error %v", err)
	}
	id, err := d.ID("ops")
	if err != nil {
		t.Fatal(err)
	}
	if state := b.get(id).State; state != broadcast.Creating {
		t.Errorf("it is %s", state)
	}
	d.Spec.ReplayOf = tasks.BroadcastIDFromKey("ops", "another")
	if _, _, err := b.store.Create(t.Context(), d); err != nil {
		t.Errorf("a replay, which was paid before: %v", err)
	}
}
