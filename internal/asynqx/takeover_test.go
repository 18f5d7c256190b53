package asynqx_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
)

const leases = "asynq:{ops:default}:lease"

func TestWhatADeadWorkerHeldIsTakenBack(t *testing.T) {
	t.Parallel()
	t.Run("by a clock that is right", func(t *testing.T) {
		t.Parallel()
		testTakeOver(t, redistest.Start(t).Client(), func() {})
	})
	for name, ahead := range map[string]time.Duration{
		"Redis's clock is set an hour ahead": time.Hour, "Redis's clock is set back an hour": -time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, clock := redistest.StartWithClock(t)
			testTakeOver(t, server.Client(), func() { clock.Set(ahead) })
		})
	}
}

// testTakeOver has two workers, of which one dies before the clock is set.
func testTakeOver(t *testing.T, rdb redis.UniversalClient, setClock func()) {
	t.Helper()
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	held, wait := []string{"living", "without lease", "deleted"}, []string{"without lease"}
	for i := range 250 { // more than one script examines
		held, wait = append(held, fmt.Sprint("dead ", i)), append(wait, fmt.Sprint("dead ", i))
	}
	for _, id := range held {
		enqueue(t, rdb, task(id))
		dequeue := []string{"asynq:{ops:default}:pending", "asynq:{ops:default}:paused", "asynq:{ops:default}:active", leases}
		if err := client.EvalSha(t.Context(), "sha", dequeue).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, left := range held[2:] {
		rdb.ZIncrBy(t.Context(), leases, -5, left) // the time that the test need not wait
	}
	rdb.ZRem(t.Context(), leases, "without lease")
	rdb.Del(t.Context(), "asynq:{ops:default}:t:deleted")
	setClock()

	bells, taken := asynqx.NewBells(rdb, ignore), make(chan int, 4)
	bells.OnTakeBack = func(_ string, tasks int) { taken <- tasks }
	asynqx.NewWorkerClient(t.Context(), rdb, []string{"ops:default"}, ignore).WakeBy(bells)
	go bells.Run(t.Context())
	go func() { // the heartbeat of the living worker
		for ticker := time.NewTicker(time.Second); t.Context().Err() == nil; <-ticker.C {
			client.ZAddXX(t.Context(), leases, redis.Z{Member: "living"})
		}
	}()

	back := <-taken // all at once
	waittest.Until(t, "the living worker alone has its task", func() bool {
		held := rdb.LRange(t.Context(), "asynq:{ops:default}:active", 0, -1).Val()
		leased := rdb.ZRange(t.Context(), leases, 0, -1).Val()
		return slices.Equal(held, []string{"living"}) && slices.Equal(leased, held)
	})
	waiting := rdb.LRange(t.Context(), "asynq:{ops:default}:pending", 0, -1).Val()
	slices.Sort(waiting)
	slices.Sort(wait)
	if !slices.Equal(waiting, wait) || back != len(wait) {
		t.Errorf("%q wait, and %d were told of; want those that were left behind", waiting, back)
	}
}
