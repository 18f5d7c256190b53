//go:build unix

package worker_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// usedMemory is what Redis compares with its maxmemory, about.
func (tr *trouble) usedMemory() int {
	tr.Helper()
	for line := range strings.Lines(tr.rdb.Info(tr.Context(), "memory").Val()) {
		if text, found := strings.CutPrefix(line, "used_memory:"); found {
			used, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				tr.Fatal(err)
			}
			return used
		}
	}
	tr.Fatal("INFO says nothing of memory")
	return 0
}

// fill enqueues messages until Redis refuses one, and returns those that it took.
func (tr *trouble) fill(content string) (ids []string) {
	tr.Helper()
	p, err := producer.New(tr.rdb, producer.Config{App: "ops"})
	if err != nil {
		tr.Fatal(err)
	}
	for i := range 10_000 {
		receipt, err := p.Send(tr.Context(), text(fmt.Sprint("queued", i), content), producer.Options{})
		var refused *producer.RedisError
		switch {
		case err == nil:
			ids = append(ids, receipt.ID)
		case errors.As(err, &refused) && asynqx.IsFull(err):
			return ids
		default:
			tr.Fatal(err)
		}
	}
	tr.Fatal("Redis is not full yet")
	return nil
}

func TestAFullRedisIsEmptiedBySending(t *testing.T) {
	t.Parallel()
	server := redisServer(t)
	sim, url := newSimulator(t, wecomtest.Rules{})
	tr := newTrouble(t, server.Client(), server.URL(), sim, url)
	stop := tr.work()
	ids := tr.send("before", 50) // the dashboard shows them, until there is no room
	tr.await()
	stop()
	ids = append(ids, tr.sendCritical("alerted", 1)...)
	if err := tr.rdb.ConfigSet(t.Context(), "maxmemory", strconv.Itoa(tr.usedMemory()+300_000)).Err(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long ", 400)
	ids = append(ids, tr.fill(long)...)
	tr.work()
	tr.await()
	tr.sentOnce(ids...)
	if !slices.ContainsFunc(sim.Messages()[50:70], func(m wecomtest.Message) bool { return strings.Contains(m.Body, "alerted0") }) {
		t.Error("the alert was not among the first messages")
	}
	waittest.Until(t, "it takes messages again", func() bool { return len(tr.fill(long)) > 0 })
}
