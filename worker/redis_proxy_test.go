//go:build unix

package worker_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestAProxyThatStaysWithTheDemotedRedis(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"which is read-only":               "ERR READONLY You can't write against a read only replica.",
		"which reads its data":             "ERR LOADING Redis is loading the dataset in memory",
		"which has no primary any more":    "ERR MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"which says so without any prefix": "LOADING Redis is loading the dataset in memory",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redisServer(t)
			proxy := server.Proxy()
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, server.Client(), proxy.URL(), sim, url)
			tr.work()
			ids := tr.send("before", 3)
			tr.await()
			ids = append(ids, tr.fly(10, flight)...)

			proxy.Refuse(answer)

			ids = append(ids, tr.send("after", 20)...)
			waittest.Until(t, "the worker sends again, without another's help", func() bool { return len(sim.Messages()) == len(ids) })
			tr.await()
			tr.sentOnce(ids...)
			tr.quiet(0)
		})
	}
}
