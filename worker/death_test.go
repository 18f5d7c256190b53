package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// mortal is how many messages of each app a victim has in its hands when it dies.
const mortal = 10

// fate is what becomes of a message whose worker was killed, after another worker
// has met it.
type fate struct {
	State      tasks.State
	Attempts   int
	Marked     bool // as a possible duplicate
	Delivered  int
	Suppressed int
}

// TestAWorkerThatIsKilled kills workers at each point of a message's life, with
// SIGKILL, and looks at what another worker makes of it, under each policy. With
// WECOMQ_STORM=n it does so n times.
func TestAWorkerThatIsKilled(t *testing.T) {
	t.Parallel()
	once := fate{State: tasks.Accepted, Attempts: 1, Delivered: 1}
	harmless := map[string]fate{"resend": once, "park": once, "inside": once, "after": once}
	notTaken := map[string]fate{ // and nobody knows
		"resend": {State: tasks.Accepted, Attempts: 2, Marked: true, Delivered: 1},
		"park":   {State: tasks.Unknown, Attempts: 1},
		"inside": {State: tasks.Accepted, Attempts: 2, Delivered: 1},
		"after":  {State: tasks.Unknown, Attempts: 1},
	}
	taken := map[string]fate{
		"resend": {State: tasks.Accepted, Attempts: 2, Marked: true, Delivered: 2},
		"park":   {State: tasks.Unknown, Attempts: 1, Delivered: 1},
		"inside": {State: tasks.Accepted, Attempts: 2, Delivered: 1, Suppressed: 1},
		"after":  {State: tasks.Unknown, Attempts: 1, Delivered: 1},
	}
	for name, tc := range map[string]struct {
		point string
		want  map[string]fate
	}{
		"before it wrote its attempt down":           {pointDequeued, harmless},
		"before it called WeCom":                     {pointBegun, notTaken},
		"while it called WeCom in vain":              {pointCalled, notTaken},
		"while WeCom's answer was on its way":        {pointTaken, taken},
		"before it wrote WeCom's answer down":        {pointAnswered, taken},
		"when it had written WeCom's answer down":    {pointSettled, harmless},
		"before it told the queue that all was done": {pointEnding, harmless},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for round := range rounds(t) {
				t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
					check(t, tc.want, newDeathbed(t, tc.point).fates())
				})
			}
		})
	}
}

func check(t *testing.T, want map[string]fate, got map[string][]fate) {
	t.Helper()
	for app, want := range want {
		for i, fate := range got[app] {
			if diff := cmp.Diff(want, fate); diff != "" {
				t.Errorf("message %d of app %s (-want +got):\n%s", i, app, diff)
			}
		}
	}
}

// rounds is 1, or what the environment variable WECOMQ_STORM says.
func rounds(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("WECOMQ_STORM"))
	if err != nil {
		return 1
	}
	return n
}

// deathbed is a Redis and a WeCom for workers that are killed.
type deathbed struct {
	*testing.T
	point string
	redis *redistest.Server
	rdb   redis.UniversalClient
	sim   *wecomtest.Simulator
	url   string
	ids   map[string][]string // by app
}

func newDeathbed(t *testing.T, point string) *deathbed {
	t.Helper()
	sim, url := newSimulator(t, wecomtest.Rules{})
	d := &deathbed{T: t, point: point, redis: redistest.Start(t), sim: sim, url: url, ids: map[string][]string{}}
	d.rdb = d.redis.Client()
	return d
}

// fates lets a victim die, another worker go on, and tells what became of each
// message, by app.
func (d *deathbed) fates() map[string][]fate {
	d.Helper()
	for app := range policies {
		d.enqueue(app)
	}
	d.kill()
	d.sim.ClearFaults()
	for app, age := range map[string]time.Duration{
		"resend": time.Hour, "park": time.Hour, "inside": 10 * time.Minute, "after": 31 * time.Minute,
	} {
		d.outlast(app, age)
	}
	d.survive()
	all := map[string][]fate{}
	for app := range policies {
		for i, id := range d.ids[app] {
			all[app] = append(all[app], d.fate(app, id, member(app, i)))
		}
	}
	return all
}

func member(app string, i int) string { return fmt.Sprint(app, ".", i) }

// enqueue gives an app its messages. The interval of the duplicate check is half an
// hour.
func (d *deathbed) enqueue(app string) {
	d.Helper()
	p, err := producer.New(d.rdb, producer.Config{App: app})
	if err != nil {
		d.Fatal(err)
	}
	for i := range mortal {
		request := text(member(app, i), "x")
		if app == "inside" || app == "after" {
			request.EnableDuplicateCheck = 1
		}
		receipt, err := p.Send(d.Context(), request, producer.Options{})
		if err != nil {
			d.Fatal(err)
		}
		d.ids[app] = append(d.ids[app], receipt.ID)
	}
}

// kill runs a victim until all messages have come to the point.
func (d *deathbed) kill() {
	d.Helper()
	switch d.point {
	case pointCalled:
		d.fault(wecomtest.Fault{API: message.APISend, Hang: true})
	case pointTaken:
		d.fault(wecomtest.Fault{API: message.APISend, Delay: wecomtest.Duration(time.Minute), After: true})
	}
	self, err := os.Executable()
	if err != nil {
		d.Fatal(err)
	}
	cmd := exec.CommandContext(d.Context(), self)
	cmd.Env = append(os.Environ(), "WECOMQ_TEST_VICTIM="+d.point, "WECOMQ_TEST_REDIS="+d.redis.Addr, "WECOMQ_TEST_WECOM="+d.url)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		d.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.Fatal(err)
	}
	arrived := make(chan struct{})
	go func() {
		defer close(arrived)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			arrived <- struct{}{}
		}
	}()
	d.awaitPoint(arrived)
	_ = cmd.Process.Kill()
	for range arrived { // until it is dead
	}
	_ = cmd.Wait()
}

func (d *deathbed) fault(f wecomtest.Fault) {
	d.Helper()
	if err := d.sim.AddFault(f); err != nil {
		d.Fatal(err)
	}
}

// awaitPoint waits until all messages are where the victim is to die.
func (d *deathbed) awaitPoint(arrived <-chan struct{}) {
	d.Helper()
	all := mortal * len(policies)
	if d.point == pointCalled || d.point == pointTaken { // WeCom tells
		waittest.Until(d.T, "all calls are in flight", func() bool { return d.sim.Faults()[0].Fired == all })
		return
	}
	if d.point == pointEnding { // the first ones of each app stand still, and the others behind them
		all = len(policies)
	}
	deadline := time.After(waittest.Patience)
	for range all {
		select {
		case _, alive := <-arrived:
			if !alive {
				d.Fatal("the victim died by itself")
			}
		case <-deadline:
			d.Fatalf("not all messages were %s within %s", d.point, waittest.Patience)
		}
	}
	if d.point == pointEnding {
		waittest.Until(d.T, "all outcomes are recorded", d.allAccepted)
	}
}

func (d *deathbed) allAccepted() bool {
	for app, ids := range d.ids {
		for _, id := range ids {
			if d.rdb.HGet(d.Context(), keys.Record(app, id), "state").Val() != string(tasks.Accepted) {
				return false
			}
		}
	}
	return true
}

// outlast lets the time pass after which asynq and the ledger take the victim for
// dead.
func (d *deathbed) outlast(app string, age time.Duration) {
	d.Helper()
	past := time.Now().Add(-age)
	for _, id := range d.ids[app] {
		lease := redis.Z{Score: float64(past.Unix()), Member: id}
		if n, err := d.rdb.ZAddArgs(d.Context(), "asynq:{"+app+":default}:lease", redis.ZAddArgs{XX: true, Ch: true, Members: []redis.Z{lease}}).Result(); n != 1 {
			d.Fatalf("the victim did not hold %s: %v", id, err)
		}
		record := keys.Record(app, id)
		if d.rdb.HExists(d.Context(), record, "attempt_at").Val() {
			if err := d.rdb.HSet(d.Context(), record, "attempt_at", past.UnixMilli()).Err(); err != nil {
				d.Fatal(err)
			}
		}
	}
}

// survive runs a worker until it is done with all messages.
func (d *deathbed) survive() {
	d.Helper()
	w, err := worker.New(worker.Config{Redis: d.rdb, Apps: mortals(d.rdb, d.url, func(*worker.App) {})})
	if err != nil {
		d.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	inspector := asynq.NewInspectorFromRedisClient(d.rdb)
	for app := range policies {
		queue := tasks.Queue(app, tasks.Default)
		waittest.Until(d.T, "all messages of "+app+" are finished", func() bool {
			info, err := inspector.GetQueueInfo(queue)
			if err == nil && info.Retry > 0 {
				_, _ = inspector.RunAllRetryTasks(queue) // spares the wait
			}
			return err == nil && info.Completed+info.Archived == mortal
		})
	}
	stop()
	if err := <-ended; err != nil {
		d.Errorf("the worker ended with %v", err)
	}
	for _, s := range audittest.Balanced(d, d.rdb, slices.Collect(maps.Keys(policies))...) {
		if s.Messages != mortal || s.Pending > 0 {
			d.Errorf("sums %+v, want %d messages that have ended", s, mortal)
		}
	}
}

func (d *deathbed) fate(app, id, member string) fate {
	d.Helper()
	record, err := ledger.New(d.rdb, app, time.Hour).Record(d.Context(), id)
	if err != nil {
		d.Fatal(err)
	}
	f := fate{State: record.State, Attempts: record.Attempts, Marked: record.PossibleDuplicate}
	for _, m := range d.sim.Messages() {
		switch mine := strings.Contains(m.Body, `"touser":"`+member+`"`); {
		case mine && m.Suppressed:
			f.Suppressed++
		case mine:
			f.Delivered++
		}
	}
	return f
}
