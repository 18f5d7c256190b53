package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// storm is a landscape under load, in which processes are killed: two workers, limited only by the machine.
// `make storm` makes it a heavy one.
type storm struct {
	*landscape

	messages int
	kills    int
	workers  [2]*process
	ids      []string
}

// stormPatience limits the whole storm.
const stormPatience = 5 * time.Minute

// newStorm has the first numbers of messages and kills, or the second if the environment variable WECOMQ_STORM is set.
func newStorm(t *testing.T, light, heavy [2]int, redisConfig ...string) *storm {
	t.Helper()
	l := newLandscape(t, redisConfig...)
	config := filepath.Join(t.TempDir(), "wecomq.yaml")
	text := fmt.Sprintf(`
redis: {url: %q}
apps:
  default: {corp_id: %s, agent_id: %d, secret: %s, api_base_url: %q, timeout: 5s, limits: {calls_per_minute: 600000}}
`, l.redis.URL, wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret, l.url)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l.env = map[string]string{"WECOMQ_CONFIG": config}
	ask[wecomtest.Rules](l, http.MethodPatch, "/admin/rules", `{"calls_per_minute": 1000000, "latency": "10ms", "jitter": "20ms"}`)
	s := &storm{landscape: l, messages: light[0], kills: light[1]}
	if os.Getenv("WECOMQ_STORM") != "" {
		s.messages, s.kills = heavy[0], heavy[1]
	}
	return s
}

// begin enqueues the messages, each to a different member, and starts the workers.
func (s *storm) begin(options string) {
	s.Helper()
	var batch strings.Builder
	for i := range s.messages {
		fmt.Fprintf(&batch, `{"touser":"user%d","msgtype":"text","text":{"content":"text %[1]d"}%s}`+"\n", i, options)
	}
	s.ids = s.landscape.ids(s.run(batch.String(), "send", "--batch", "-f", "-"))
	for i := range s.workers {
		s.workers[i] = s.work()
	}
}

// awaitShare waits until WeCom has part/of of all messages.
func (s *storm) awaitShare(part, of int) {
	s.Helper()
	share := int64(s.messages * part / of)
	waittest.Within(s.T, stormPatience, fmt.Sprintf("%d messages have arrived", share), func() bool { return s.stats().Delivered >= share })
}

// inHand are the messages that asynq considers active.
func (s *storm) inHand() []string {
	s.Helper()
	ids, err := s.rdb.LRange(s.Context(), "asynq:{default:default}:active", 0, -1).Result()
	if err != nil {
		s.Fatal(err)
	}
	return ids
}

// slow reports whether the storm waits in real time instead of simulating it.
func slow() bool { return os.Getenv("WECOMQ_STORM") == "slow" }

// orphan makes asynq consider the workers of these messages dead.
func (s *storm) orphan(ids []string) {
	s.Helper()
	if slow() {
		return
	}
	past := float64(time.Now().Add(-10 * time.Minute).Unix())
	for _, id := range ids {
		if err := s.rdb.ZAddXX(s.Context(), "asynq:{default:default}:lease", redis.Z{Score: past, Member: id}).Err(); err != nil {
			s.Fatal(err)
		}
	}
}

// age makes the ledger consider attempts older than a call can last.
func (s *storm) age(ids []string) {
	s.Helper()
	if slow() {
		return
	}
	past := time.Now().Add(-10 * time.Minute).UnixMilli()
	for _, id := range ids {
		record := keys.Record("default", id)
		if s.rdb.HGet(s.Context(), record, "state").Val() == string(tasks.Sending) {
			if err := s.rdb.HSet(s.Context(), record, "attempt_at", past).Err(); err != nil {
				s.Fatal(err)
			}
		}
	}
}

// await waits until the queue is empty, and returns the records and how often each member got its message.
func (s *storm) await() (records []tasks.Record, arrivals map[string]int) {
	s.Helper()
	inspector := asynq.NewInspectorFromRedisClient(s.rdb)
	waittest.Within(s.T, stormPatience, "the queue is empty", func() bool {
		info, err := inspector.GetQueueInfo("default:default")
		if err == nil && info.Retry > 0 && !slow() {
			_, _ = inspector.RunAllRetryTasks("default:default") // avoids the wait
		}
		return err == nil && info.Pending+info.Active+info.Retry+info.Scheduled == 0
	})
	arrivals = map[string]int{}
	for _, m := range s.landscape.messages() {
		for _, member := range m.To { // no recipients, for a suppressed message
			arrivals[member]++
		}
	}
	if sums := audittest.Balanced(s, s.rdb, "default")[0]; sums.Messages != s.messages || sums.Enqueued != s.messages || sums.Pending > 0 {
		s.Errorf("sums %+v, want %d messages that have ended", sums, s.messages)
	}
	return s.records(s.ids), arrivals
}

func TestAStormOfKilledWorkersLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	s := newStorm(t, [2]int{600, 4}, [2]int{6000, 16})
	s.begin(`,"enable_duplicate_check":1,"duplicate_check_interval":14400`)
	orphans := 0
	for kill := range s.kills {
		s.awaitShare(kill+1, s.kills+1)
		s.workers[kill%2].kill()
		// The messages of the other worker are handed over as well, and its attempts look as old: worse than what time
		// alone causes.
		ids := s.inHand()
		orphans += len(ids)
		s.orphan(ids)
		s.age(ids)
		s.workers[kill%2] = s.work()
	}
	records, arrivals := s.await()
	repeated := 0
	for i, r := range records {
		if r.ID != s.ids[i] || r.State != tasks.Accepted || r.PossibleDuplicate {
			t.Errorf("record %+v, want it accepted and no duplicate", r)
		}
		if n := arrivals[fmt.Sprint("user", i)]; n != 1 {
			t.Errorf("message %d arrived %d times", i, n)
		}
		if r.Attempts > 1 {
			repeated++
		}
	}
	if len(records) != s.messages {
		t.Errorf("%d records of %d messages", len(records), s.messages)
	}
	t.Logf("%d messages, %d kills with %d messages in hand: %d were tried again, %d doubles suppressed",
		s.messages, s.kills, orphans, repeated, s.stats().Suppressed)
}

func TestAStormOfKillsOfRedisLosesNothingAndMarksEachDouble(t *testing.T) {
	t.Parallel()
	s := newStorm(t, [2]int{300, 2}, [2]int{1000, 10}, redistest.AppendOnly)
	s.begin("")
	for kill := range s.kills {
		s.awaitShare(kill+1, s.kills+1)
		s.redis.Single().Restart()
	}
	// Messages lost on the way to a worker come back after a minute or two.
	s.orphan(s.inHand())
	s.work()
	records, arrivals := s.await()
	doubled := 0
	for i, r := range records {
		if r.ID != s.ids[i] || r.State != tasks.Accepted {
			t.Errorf("record %+v, want it accepted", r)
		}
		switch n := arrivals[fmt.Sprint("user", i)]; {
		case n == 2 && r.PossibleDuplicate:
			doubled++
		case n != 1:
			t.Errorf("message %d arrived %d times, and the record is %+v", i, n, r)
		}
	}
	if inFlight := 2 * concurrency * s.kills; doubled > inFlight {
		t.Errorf("%d doubles, want one for each of %d calls in flight at most", doubled, inFlight)
	}
	t.Logf("%d messages, %d kills of Redis: %d doubled and marked", s.messages, s.kills, doubled)
	for _, w := range s.workers {
		if w.hasExited() {
			t.Error("a worker has died")
		}
		if lines := w.lines("Redis is unavailable"); len(lines) > s.kills {
			t.Errorf("a worker complains %d times of %d kills", len(lines), s.kills)
		}
	}
}
