package producer_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// trouble is what happens to pipelines on their way to Redis.
type trouble struct {
	refused    atomic.Bool // tasks are refused by Redis
	lost       atomic.Bool // tasks arrive, Redis's answer does not
	cut        atomic.Bool // nothing arrives, and nobody knows
	claimsLost atomic.Bool // claims arrive, Redis's answer does not
	pipelines  atomic.Int32
}

// troubled is a producer whose round trips are counted, and to which trouble can be made.
func troubled(t *testing.T) (*producer.Producer, *trouble) {
	t.Helper()
	return troubledOn(t, redistest.New(t))
}

// troubledOn is one on a Redis that is there.
func troubledOn(t *testing.T, rdb redis.UniversalClient) (*producer.Producer, *trouble) {
	t.Helper()
	p := newProducer(t, rdb)
	if _, err := p.Send(t.Context(), text("a", "warm up"), producer.Options{}); err != nil { // Redis learns asynq's scripts
		t.Fatal(err)
	}
	x := &trouble{}
	rdb.AddHook(x)
	return p, x
}

func (*trouble) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (*trouble) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (x *trouble) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		x.pipelines.Add(1)
		fail := func(err error) error {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		isTasks := cmds[0].Name() == "sadd"
		switch {
		case isTasks && x.refused.Load():
			return fail(redistest.AnswerError("OOM command not allowed when used memory > 'maxmemory'."))
		case isTasks && x.cut.Load():
			return fail(io.EOF)
		case isTasks && x.lost.Load(), !isTasks && x.claimsLost.Load():
			_ = next(ctx, cmds)
			return fail(io.EOF)
		}
		return next(ctx, cmds)
	}
}

func TestTheClaimGoesAwayIfRedisRefusesTheMessage(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]producer.Options{"by key": {IdempotencyKey: "k"}, "by bytes": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			x := &trouble{}
			rdb.AddHook(x)
			x.refused.Store(true)
			_, err := newProducer(t, rdb).Send(t.Context(), checked("a", "x"), o)
			if _, ok := errors.AsType[*producer.RedisError](err); !ok {
				t.Fatalf("error %v, want a RedisError", err)
			}
			for _, pattern := range []string{keys.IdempotencyKey("ops", "*"), keys.Same("ops", "*")} {
				if left := redistest.Keys(t, rdb, pattern); len(left) > 0 {
					t.Errorf("%v are left", left)
				}
			}
			x.refused.Store(false)
			o.Priority = tasks.Critical
			if got := send(t, rdb, checked("a", "x"), o); got.Duplicate || got.Queue != "ops:critical" {
				t.Errorf("receipt %+v, want a new message in ops:critical", got)
			}
		})
	}
}

func TestAMessageThatRedisTookWithoutSayingSoIsFound(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	send(t, rdb, text("a", "warm up"), producer.Options{}) // Redis learns asynq's scripts
	if err := asynq.NewInspectorFromRedisClient(rdb).DeleteQueue("ops:default", true); err != nil {
		t.Fatal(err)
	}
	x := &trouble{}
	rdb.AddHook(x)
	x.lost.Store(true)
	if _, err := newProducer(t, rdb).Send(t.Context(), checked("a", "x"), producer.Options{}); err == nil {
		t.Fatal("no error, though nothing was confirmed")
	}
	x.lost.Store(false)
	got := send(t, rdb, checked("a", "x"), producer.Options{})
	if ids := waiting(t.Context(), rdb); !got.Duplicate || len(ids) != 1 || ids[0] != got.ID {
		t.Errorf("receipt %+v, %v wait; want a duplicate of the one that waits", got, ids)
	}
}

// TestOneMessageComesOfAnyTrouble sends one message over and over, while Redis
// refuses, dies before or after it took something, or nothing is wrong: when a send
// has succeeded, exactly one message waits, and every later one finds it.
func TestOneMessageComesOfAnyTrouble(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	x := &trouble{}
	rdb.AddHook(x)
	p := newProducer(t, rdb)
	kinds := map[string]producer.Options{"key": {IdempotencyKey: "k"}, "bytes": {}}
	rapid.Check(t, func(rt *rapid.T) {
		redistest.Flush(t, rdb)
		o := kinds[rapid.SampledFrom([]string{"key", "bytes"}).Draw(rt, "kind")]
		sent, fresh := "", 0
		for range rapid.IntRange(1, 8).Draw(rt, "sends") {
			o.Priority = rapid.SampledFrom(tasks.Priorities()).Draw(rt, "priority")
			kind := rapid.SampledFrom([]string{"none", "refused", "lost", "cut", "claims lost"}).Draw(rt, "trouble")
			x.refused.Store(kind == "refused")
			x.lost.Store(kind == "lost")
			x.cut.Store(kind == "cut")
			x.claimsLost.Store(kind == "claims lost")
			receipt, err := p.Send(t.Context(), checked("a", "x"), o)
			if err != nil {
				continue
			}
			if sent != "" && (receipt.ID != sent || !receipt.Duplicate) {
				rt.Fatalf("receipt %+v after %s was sent", receipt, sent)
			}
			sent = receipt.ID
			if !receipt.Duplicate {
				fresh++
			}
			if ids := waiting(t.Context(), rdb); len(ids) != 1 || ids[0] != sent {
				rt.Fatalf("%v wait, want %s", ids, sent)
			}
		}
		if fresh > 1 {
			rt.Fatalf("%d receipts say that they are the first", fresh)
		}
	})
}
