package producer_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

func TestAKeyIsNotForAnotherMessage(t *testing.T) {
	t.Parallel()
	key := producer.Options{IdempotencyKey: "order-1"}
	for name, tc := range map[string]struct {
		first, second message.Request
		ends          tasks.State // of the first, None while it waits
	}{
		"with another text":                   {text("a", "x"), text("a", "y"), tasks.None},
		"to others":                           {text("a", "x"), text("b", "x"), tasks.None},
		"to more":                             {text("a", "x"), text("a|b", "x"), tasks.None},
		"once the first was sent":             {text("a", "x"), text("a", "y"), tasks.Accepted},
		"though the first was rejected":       {text("a", "x"), text("a", "y"), tasks.Rejected},
		"though its bytes are those of a key": {checked("a", "x"), checked("a", "y"), tasks.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, tc.first, key)
			if tc.ends != tasks.None {
				settle(t, rdb, first, tc.ends)
			}
			want := waiting(t.Context(), rdb)
			_, err := newProducer(t, rdb).Send(t.Context(), tc.second, key)
			reuse, ok := errors.AsType[*producer.KeyReuseError](err)
			if !ok || reuse.ID != first.ID {
				t.Errorf("error %v, want that the key is of %s", err, first.ID)
			}
			if got := waiting(t.Context(), rdb); !slices.Equal(got, want) {
				t.Errorf("%v wait, want %v", got, want)
			}
			if again := send(t, rdb, tc.first, key); again.ID != first.ID || !again.Duplicate {
				t.Errorf("receipt %+v, want the first again", again)
			}
		})
	}
}

func TestAKeyOfAMessageFoundByItsBytesIsNotForAnother(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	first := send(t, rdb, checked("a", "x"), producer.Options{})
	key := producer.Options{IdempotencyKey: "order-1"}
	send(t, rdb, checked("a", "x"), key)
	_, err := newProducer(t, rdb).Send(t.Context(), checked("a", "y"), key)
	if reuse, ok := errors.AsType[*producer.KeyReuseError](err); !ok || reuse.ID != first.ID {
		t.Errorf("error %v, want that the key is of %s", err, first.ID)
	}
}

func TestOfABatchOnlyTheMessageUnderAnothersKeyFails(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	key := producer.Options{IdempotencyKey: "order-1"}
	results := newProducer(t, rdb).SendBatch(t.Context(), []producer.Message{
		{Request: text("a", "x"), Options: key},
		{Request: text("a", "y"), Options: key},
		{Request: text("a", "z")},
		{Request: text("a", "x"), Options: key},
	})
	reuse, ok := errors.AsType[*producer.KeyReuseError](results[1].Err)
	if !ok || reuse.ID != results[0].Receipt.ID {
		t.Errorf("error %v, want that the key is of %s", results[1].Err, results[0].Receipt.ID)
	}
	for i, duplicate := range map[int]bool{0: false, 2: false, 3: true} {
		if results[i].Err != nil || results[i].Receipt.Duplicate != duplicate {
			t.Errorf("message %d: %+v", i, results[i])
		}
	}
}

// TestAMessageOfAnOlderVersionIsFoundByItsKey sends again what was sent before an upgrade:
// then keys belonged to the app alone, and nobody kept what a message said.
func TestAMessageOfAnOlderVersionIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		repeat message.Request
		owner  string
		ends   tasks.State
	}{
		"from the command line":   {text("a", "x"), "", tasks.None},
		"whatever it says":        {text("a", "y"), "", tasks.None},
		"over HTTP":               {text("a", "x"), "builds", tasks.None},
		"over HTTP, once sent":    {text("a", "x"), "builds", tasks.Accepted},
		"over HTTP, with a check": {checked("a", "x"), "builds", tasks.None},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			first := send(t, rdb, text("a", "x"), producer.Options{IdempotencyKey: "k"})
			older := keys.IdempotencyKey("ops", first.ID)
			rdb.SetArgs(t.Context(), older, first.ID+" default 0 1790000000123", redis.SetArgs{KeepTTL: true})
			state := tasks.Queued
			if tc.ends != tasks.None {
				state = tc.ends
				settle(t, rdb, first, tc.ends)
			}
			for range 2 {
				got := send(t, rdb, tc.repeat, producer.Options{IdempotencyKey: "k", KeyOwner: tc.owner})
				if got.ID != first.ID || !got.Duplicate || got.State != state {
					t.Errorf("receipt %+v, want a duplicate of %s, %s", got, first.ID, state)
				}
			}
		})
	}
}

func TestTheDigestOfAKeyCostsNoRoundTrip(t *testing.T) {
	t.Parallel()
	p, x := troubled(t)
	for _, content := range []string{"x", "y"} {
		messages := make([]producer.Message, 1000)
		for i, n := range numbers(len(messages)) {
			messages[i] = producer.Message{Request: text(n, content), Options: producer.Options{IdempotencyKey: n, KeyOwner: "builds"}}
		}
		x.pipelines.Store(0)
		for i, result := range p.SendBatch(t.Context(), messages) {
			if reused := errors.As(result.Err, new(*producer.KeyReuseError)); reused != (content == "y") {
				t.Fatalf("message %d says %s: %v", i, content, result.Err)
			}
		}
		if got := x.pipelines.Load(); got > 2 {
			t.Errorf("%d round trips, want two at most", got)
		}
	}
}
