//go:build unix

package worker_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// soon bounds what takes seconds, and took a minute when the state of the cluster was
// loaded once a minute.
const soon = 30 * time.Second

func TestAMasterOfTheClusterIsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*redistest.Server){
		"it is killed":       (*redistest.Server).Kill,
		"it does not answer": (*redistest.Server).Freeze,
	} {
		for _, key := range []string{"asynq:{ops:default}:pending", "wecomq:{ops}:pace"} {
			t.Run(name+", with "+key, func(t *testing.T) {
				t.Parallel()
				cluster := redistest.StartCluster(t, redistest.AppendOnly)
				sim, url := newSimulator(t, wecomtest.Rules{})
				tr := newTrouble(t, cluster.Client(), cluster.URL(), sim, url)
				tr.work()
				ids := tr.send("before", 10)
				tr.await()
				master, replica := cluster.Of(key)
				if n, err := master.Client().Do(t.Context(), "wait", 1, 10_000).Int(); n != 1 {
					t.Fatal("not replicated: ", err)
				}

				lose(master)
				waittest.Until(t, "the replica has taken over", func() bool {
					return strings.Contains(replica.Client().Info(t.Context(), "replication").Val(), "role:master")
				})
				waittest.Until(t, "the cluster takes a message", func() bool {
					return tr.rdb.Set(t.Context(), key+":test", "", time.Minute).Err() == nil
				})
				began := time.Now()
				ids = append(ids, tr.send("after", 10)...)

				waittest.Within(t, soon, "the worker sends again", func() bool { return len(sim.Messages()) == len(ids) })
				t.Logf("the worker sent %s after the cluster was back", time.Since(began))
				tr.await()
				tr.sentOnce(ids...)
				tr.quiet(0)
			})
		}
	}
}

// slotMoves is what either master answers; go-redis asks both in turn, and gives up on one.
var slotMoves = regexp.MustCompile(`\b(ASK|TRYAGAIN) `)

func TestASlotOfTheClusterMoves(t *testing.T) {
	t.Parallel()
	const queue, app = "asynq:{ops:default}:pending", "wecomq:{ops}:pace"
	for _, key := range []string{queue, app} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			cluster := redistest.StartCluster(t, redistest.AppendOnly)
			sim, url := newSimulator(t, wecomtest.Rules{})
			tr := newTrouble(t, cluster.Client(), cluster.URL(), sim, url)
			tr.work()
			ids := tr.fly(10, flight)
			if key == queue { // which takes none while it moves
				ids = append(ids, tr.send("queued", 20)...)
			}
			finish := cluster.Migrate(key)
			if key == app { // the worker must ask for its limits meanwhile
				ids = append(ids, tr.send("queued", 20)...)
			}
			waittest.Until(t, "the worker notices", func() bool { return slotMoves.MatchString(tr.log.String()) })
			finish()

			ids = append(ids, tr.send("after", 10)...)
			waittest.Within(t, soon, "the worker sends again", func() bool { return len(sim.Messages()) == len(ids) })
			tr.await()
			tr.sentOnce(ids...)
			tr.quiet(1)
		})
	}
}
