package producer_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/producer"
)

// today is a budget of this number of recipients on one day.
func today(rdb redis.UniversalClient, recipients int) *budget.Budget {
	b := budget.New(rdb, "builds", budget.Limits{RecipientsPerDay: recipients})
	b.Now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli
	return b
}

// outcomes says what became of each message: new, repeat, spent, or its error.
func outcomes(results []producer.Result) []string {
	all := make([]string, len(results))
	for i, r := range results {
		_, spent := errors.AsType[*budget.SpentError](r.Err)
		switch {
		case spent:
			all[i] = "spent"
		case r.Err != nil:
			all[i] = "error"
		case r.Receipt.Duplicate:
			all[i] = "repeat"
		default:
			all[i] = "new"
		}
	}
	return all
}

func keyed(to, key string) producer.Message {
	return producer.Message{Request: text(to, "x"), Options: producer.Options{IdempotencyKey: key}}
}

func TestAMessageIsEnqueuedIfThereIsRoomInTheBudget(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		messages []producer.Message
		want     []string
	}{
		"messages as far as they fit, each by itself": {
			[]producer.Message{{Request: text("a|b", "1")}, {Request: text("a|b", "2")}, {Request: text("a", "3")}},
			[]string{"new", "spent", "new"},
		},
		"one that is refused for itself takes nothing": {
			[]producer.Message{{Request: text("a|b|c", "")}, {Request: text("a|b|c", "x")}},
			[]string{"error", "new"},
		},
		"nobody counts twice": {
			[]producer.Message{{Request: text("a|b|A|c", "x")}},
			[]string{"new"},
		},
		"two under one key, without room for them": {
			[]producer.Message{keyed("a|b|c|d", "k"), keyed("a|b|c|d", "k")},
			[]string{"spent", "spent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			results := newProducer(t, rdb).Within(today(rdb, 3)).SendBatch(t.Context(), tc.messages)
			if diff := cmp.Diff(tc.want, outcomes(results)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			enqueued := 0
			for _, outcome := range tc.want {
				if outcome == "new" {
					enqueued++
				}
			}
			if got := waiting(t.Context(), rdb); len(got) != enqueued {
				t.Errorf("%v wait, want %d", got, enqueued)
			}
		})
	}
}

func TestARepeatCountsOnce(t *testing.T) {
	t.Parallel()
	once := producer.Message{Request: text("a", "x"), ID: "ops-01JD5K3V8N0000000000000000"}
	for name, repeated := range map[string]producer.Message{
		"by key": keyed("a", "k"), "by bytes": {Request: checked("a", "x")}, "by id": once,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			p := newProducer(t, rdb).Within(today(rdb, 2))
			for i, want := range []string{"new", "repeat", "repeat"} {
				got := outcomes(p.SendBatch(t.Context(), []producer.Message{repeated}))[0]
				if want == "repeat" && name == "by id" {
					want = "new" // nobody is told that it is one
				}
				if got != want {
					t.Errorf("send %d: %s, want %s", i+1, got, want)
				}
			}
			other := []producer.Message{{Request: text("b", "y")}}
			if got := outcomes(p.SendBatch(t.Context(), other))[0]; got != "new" {
				t.Errorf("another message: %s, want new", got)
			}
			if got := outcomes(p.SendBatch(t.Context(), other))[0]; got != "spent" {
				t.Errorf("a third message: %s, want spent", got)
			}
			if got := outcomes(p.SendBatch(t.Context(), []producer.Message{repeated}))[0]; got == "spent" {
				t.Error("the repeat is refused, though it is there")
			}
		})
	}
}

func TestAMessageThatWasRefusedIsEnqueuedOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	p := newProducer(t, rdb)
	for _, step := range []struct {
		room int
		want string
	}{{1, "spent"}, {1, "spent"}, {2, "new"}, {2, "repeat"}} {
		got := outcomes(p.Within(today(rdb, step.room)).SendBatch(t.Context(), []producer.Message{keyed("a|b", "k")}))[0]
		if got != step.want {
			t.Errorf("with room for %d: %s, want %s", step.room, got, step.want)
		}
	}
}

func TestWhatRedisRefusesTakesNothingFromTheBudget(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	p, x := troubledOn(t, rdb)
	p = p.Within(today(rdb, 1))
	x.refused.Store(true)
	if got := outcomes(p.SendBatch(t.Context(), []producer.Message{keyed("a", "k")}))[0]; got != "error" {
		t.Fatalf("a full Redis: %s", got)
	}
	x.refused.Store(false)
	if got := outcomes(p.SendBatch(t.Context(), []producer.Message{keyed("a", "k")}))[0]; got != "new" {
		t.Errorf("later: %s, want new", got)
	}
}

func TestABudgetCostsOneCallForAThousandMessages(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	p := newProducer(t, rdb)
	counted := &countedBudget{Budget: today(rdb, 5000)}
	messages := make([]producer.Message, 1000)
	for i := range messages {
		messages[i].Request = text(strconv.Itoa(i), "x")
	}
	p.Within(counted).SendBatch(t.Context(), messages)
	p.SendBatch(t.Context(), messages) // without a budget
	if counted.calls != 1 {
		t.Errorf("%d calls, want 1", counted.calls)
	}
}

// countedBudget counts what it is asked.
type countedBudget struct {
	producer.Budget

	calls int
}

// Take implements [producer.Budget].
func (c *countedBudget) Take(ctx context.Context, recipients []int) (func(context.Context, []int), []error) {
	c.calls++
	return c.Budget.Take(ctx, recipients)
}

func TestABatchOfSeveralThousandIsChargedInOrder(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	counted := &countedBudget{Budget: today(rdb, 1600)}
	messages, want := make([]producer.Message, 2500), make([]string, 2500)
	for i := range messages {
		messages[i], want[i] = keyed("a", strconv.Itoa(i%1800)), "new"
		switch {
		case i >= 1800 && i < 1800+1600: // the keys of the first
			want[i] = "repeat"
		case i >= 1600:
			want[i] = "spent"
		}
	}
	if diff := cmp.Diff(want, outcomes(newProducer(t, rdb).Within(counted).SendBatch(t.Context(), messages))); diff != "" {
		t.Errorf("what became of each (-want +got):\n%s", diff)
	}
	if counted.calls != 3 {
		t.Errorf("%d calls, want 3", counted.calls)
	}
}

// brokenBudget panics.
type brokenBudget struct{}

// Take implements [producer.Budget].
func (brokenBudget) Take(context.Context, []int) (func(context.Context, []int), []error) {
	panic("the budget is broken")
}

func TestAPanicWhileABatchIsSentReachesTheCaller(t *testing.T) {
	t.Parallel()
	p := newProducer(t, redistest.New(t)).Within(brokenBudget{})
	for _, number := range []int{1, 1500} {
		messages := make([]producer.Message, number)
		for i := range messages {
			messages[i].Request = text(strconv.Itoa(i), "x")
		}
		func() {
			defer func() {
				if problem := recover(); problem != "the budget is broken" {
					t.Errorf("with %d messages the caller sees %v, want the panic of the budget", number, problem)
				}
			}()
			p.SendBatch(t.Context(), messages)
		}()
	}
}
