package worker_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// bundle is a whole wecomq: a Redis, a WeCom, a producer and a worker of app ops.
type bundle struct {
	*testing.T
	rdb      redis.UniversalClient
	sim      *wecomtest.Simulator
	producer *producer.Producer
	ledger   *ledger.Ledger
	settled  chan tasks.Record
	held     atomic.Int32 // how often a message was put back
	app      worker.App
}

func newBundle(t *testing.T, rules wecomtest.Rules, change ...func(*worker.App)) *bundle {
	t.Helper()
	return newBundleOn(t, redistest.New(t), rules, change...)
}

// newBundleOn makes a bundle with a Redis of the test's choice.
func newBundleOn(t *testing.T, rdb redis.UniversalClient, rules wecomtest.Rules, change ...func(*worker.App)) *bundle {
	t.Helper()
	sim, url := newSimulator(t, rules)
	p, err := producer.New(rdb, producer.Config{App: "ops"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{
		T: t, rdb: rdb, sim: sim, producer: p, ledger: ledger.New(rdb, "ops", time.Hour), settled: make(chan tasks.Record, 100),
	}
	b.app = newApp(t, rdb, url, callTimeout)
	b.app.Ledger, b.app.RatePause = b.ledger, time.Second
	for _, apply := range change {
		apply(&b.app)
	}
	return b
}

// work starts a worker that ends with the test, or when stop is called.
func (b *bundle) work() (stop func()) {
	b.Helper()
	w, err := worker.New(worker.Config{
		Redis: b.rdb, Apps: []worker.App{b.app}, OnSettled: func(r tasks.Record) { b.settled <- r },
		OnHeld: func(string, string, time.Duration) { b.held.Add(1) },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			b.Errorf("the worker ended with %v", err)
		}
		ended <- nil
	}
	b.Cleanup(stop)
	return stop
}

func (b *bundle) fault(f wecomtest.Fault) {
	b.Helper()
	f.API = message.APISend
	if err := b.sim.AddFault(f); err != nil {
		b.Fatal(err)
	}
}

func text(to, content string) message.SendTextRequest {
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: to}, Text: message.TextField{Content: content},
	}
}

func (b *bundle) send(request message.Request, options producer.Options) producer.Receipt {
	b.Helper()
	receipt, err := b.producer.Send(b.Context(), request, options)
	if err != nil {
		b.Fatal(err)
	}
	return receipt
}

// next gives the record of the next message that is finished.
func (b *bundle) next() tasks.Record {
	b.Helper()
	select {
	case record := <-b.settled:
		return record
	case <-time.After(waittest.Patience):
		b.Fatal("no message was finished")
		return tasks.Record{}
	}
}

// task is the message as asynq's dashboard shows it, once it is in that state.
func (b *bundle) task(r producer.Receipt, state asynq.TaskState) *asynq.TaskInfo {
	b.Helper()
	inspector := asynq.NewInspectorFromRedisClient(b.rdb)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(waittest.Patience)
	for {
		info, err := inspector.GetTaskInfo(r.Queue, r.ID)
		if err == nil && info.State == state {
			return info
		}
		select {
		case <-tick.C:
		case <-deadline:
			b.Fatalf("task %s: %+v, %v; want state %s", r.ID, info, err, state)
		}
	}
}

func TestWhatBecomesOfAMessage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    *wecomtest.Fault
		to       string
		state    tasks.State
		errcode  int64
		attempts int
		says     string
		archived bool
	}{
		"all recipients get it":    {to: "chen.li|wang_wu", state: tasks.Accepted, attempts: 1},
		"one recipient is invalid": {to: "chen.li|left", state: tasks.Partial, attempts: 1, says: "refused 1 of its recipients"},
		"refused in an array":      {fault: strange(`"invaliduser":["b","c"],"invalidparty":3,"msgid":"m"`), to: "a|b|c", state: tasks.Partial, attempts: 1, says: "refused 3 of its recipients"},
		"refused in a strange form": {
			fault: strange(`"invaliduser":{"b":1},"msgid":"m"`), to: "a|b", state: tasks.Unknown, attempts: 1,
			says: "unknown who got it: its answer has invaliduser", archived: true,
		},
		"no recipient is valid":  {to: "left", state: tasks.Rejected, errcode: 81013, attempts: 1, says: "errcode 81013", archived: true},
		"the content is refused": {fault: &wecomtest.Fault{ErrCode: 45002, Times: 1}, to: "a", state: tasks.Rejected, errcode: 45002, attempts: 1, says: "45002", archived: true},
		"an unknown errcode":     {fault: &wecomtest.Fault{ErrCode: 99999, Times: 1}, to: "a", state: tasks.Rejected, errcode: 99999, attempts: 1, says: "99999", archived: true},
		"WeCom is busy twice":    {fault: &wecomtest.Fault{ErrCode: -1, Times: 2}, to: "a", state: tasks.Accepted, attempts: 3},
		"too many calls at once": {fault: &wecomtest.Fault{ErrCode: 45033, Times: 1}, to: "a", state: tasks.Accepted, attempts: 2},
		"a rate limit":           {fault: &wecomtest.Fault{ErrCode: 45009, Times: 1}, to: "a", state: tasks.Accepted, attempts: 2},
		"a dead token":           {fault: &wecomtest.Fault{ErrCode: 42001, Times: 1}, to: "a", state: tasks.Accepted, attempts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{Invisible: []string{"left"}})
			if tc.fault != nil {
				b.fault(*tc.fault)
			}
			b.work()
			receipt := b.send(text(tc.to, "磁盘满 <93%>"), producer.Options{})
			r := b.next()
			if r.ID != receipt.ID || r.State != tc.state || r.ErrCode != tc.errcode || r.Attempts != tc.attempts {
				t.Errorf("record %+v; want state %s, errcode %d, %d attempts", r, tc.state, tc.errcode, tc.attempts)
			}
			if !strings.Contains(r.ErrMsg, tc.says) || (tc.says == "") != (r.ErrMsg == "") {
				t.Errorf("errmsg %q does not say %q", r.ErrMsg, tc.says)
			}
			if (r.State.Sent() || r.State == tasks.Unknown) != (r.MsgID != "") {
				t.Errorf("msgid %q in state %s", r.MsgID, r.State)
			}
			want := asynq.TaskStateCompleted
			if tc.archived {
				want = asynq.TaskStateArchived
			}
			info := b.task(receipt, want)
			if !strings.Contains(string(info.Result), `"state":"`+string(tc.state)+`"`) {
				t.Errorf("the dashboard shows the result %s", info.Result)
			}
			if tc.archived && !strings.Contains(info.LastErr, tc.says) {
				t.Errorf("the dashboard shows the error %q, want %q in it", info.LastErr, tc.says)
			}
		})
	}
}

// strange is an answer of WeCom that accepts the message, with members in other forms.
func strange(members string) *wecomtest.Fault {
	return &wecomtest.Fault{HTTPStatus: http.StatusOK, Body: `{"errcode":"0","errmsg":"ok",` + members + `}`, Times: 1}
}

func TestALimitCostsNoAttemptAndRestsTheWholeApp(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) { a.RatePause = time.Minute })
	b.fault(wecomtest.Fault{ErrCode: 45009, Times: 1})
	receipt := b.send(text("a", "x"), producer.Options{Priority: tasks.Critical})
	b.work()
	info := b.task(receipt, asynq.TaskStateRetry)
	if info.Retried != 0 {
		t.Errorf("%d attempts were used up", info.Retried)
	}
	if wait := time.Until(info.NextProcessAt); wait > 3*time.Second {
		t.Errorf("the message comes back in %s, want it to wait in its queue, which is paused", wait)
	}
	for _, p := range tasks.Priorities() {
		if left := b.rdb.PTTL(t.Context(), "asynq:{"+tasks.Queue("ops", p)+"}:paused").Val(); left < 50*time.Second || left > time.Minute {
			t.Errorf("queue %s is paused for %s, want a minute", p, left)
		}
	}
	r, err := b.ledger.Record(t.Context(), receipt.ID)
	if err != nil || r.State != tasks.Held {
		t.Errorf("record %+v, error %v; want state held", r, err)
	}
}

func TestAFaultOfOneKindOfMessageDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]wecomtest.Fault{
		"no mini program is bound to the app": {ErrCode: 48002},
		"the app has no callback URL":         {ErrCode: 43012},
		"a proxy refuses this body":           {HTTPStatus: http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{})
			fault.Match = &wecomtest.Match{Content: "special"}
			b.fault(fault)
			b.work()
			special := b.send(text("a", "special"), producer.Options{})
			if info := b.task(special, asynq.TaskStateRetry); info.Retried != 0 {
				t.Errorf("%d attempts were used up", info.Retried)
			}
			b.send(text("a", "alert"), producer.Options{Priority: tasks.Critical})
			if r := b.next(); r.State != tasks.Accepted || r.Priority != tasks.Critical {
				t.Errorf("record %+v, want the alert accepted", r)
			}
		})
	}
}

func TestAWarningBesideASuccessIsKept(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{HTTPStatus: http.StatusOK, Body: `{"errcode":0,"errmsg":"ok. Warning: wrong json format. ","msgid":"m1"}`})
	b.work()
	b.send(text("a", "x"), producer.Options{})
	if r := b.next(); r.State != tasks.Accepted || !strings.Contains(r.ErrMsg, "wrong json format") {
		t.Errorf("record %+v, want it accepted with WeCom's warning", r)
	}
}

func TestAWrongSecretHoldsEverythingAndBurnsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{Apps: []wecomtest.App{{CorpID: wecomtest.CorpID, AgentID: wecomtest.AgentID, Secret: "another"}}})
	var receipts []producer.Receipt
	for range 20 {
		receipts = append(receipts, b.send(text("a", "x"), producer.Options{}))
	}
	b.work()
	info := b.task(receipts[0], asynq.TaskStateRetry)
	if info.Retried != 0 || !strings.Contains(info.LastErr, "40001") || strings.Contains(info.LastErr, wecomtest.Secret) {
		t.Errorf("task %+v, want no attempt used and errcode 40001 shown, without the secret", info)
	}
	if n := b.sim.Stats().APIs["gettoken"].Codes[40001]; n != 1 {
		t.Errorf("gettoken was called %d times, want once per back-off step", n)
	}
}

func TestAnAnswerThatIsLost(t *testing.T) {
	t.Parallel()
	lost := wecomtest.Fault{Reset: true, After: true, Times: 1}
	for name, tc := range map[string]struct {
		policy     worker.OnUnknown
		check      int
		state      tasks.State
		delivered  int
		suppressed int
		marked     bool
	}{
		"resend sends again and says so":       {policy: worker.Resend, state: tasks.Accepted, delivered: 2, marked: true},
		"park never sends again":               {policy: worker.Park, state: tasks.Unknown, delivered: 1},
		"the duplicate check lets one through": {policy: worker.Resend, check: 1, state: tasks.Accepted, delivered: 1, suppressed: 1},
		"the duplicate check beats park":       {policy: worker.Park, check: 1, state: tasks.Accepted, delivered: 1, suppressed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) { a.OnUnknown = tc.policy })
			b.fault(lost)
			b.work()
			request := text("a", "x")
			request.EnableDuplicateCheck = tc.check
			b.send(request, producer.Options{})
			r := b.next()
			if r.State != tc.state || r.PossibleDuplicate != tc.marked {
				t.Errorf("record %+v, want state %s, possible_duplicate %t", r, tc.state, tc.marked)
			}
			delivered, suppressed := 0, 0
			for _, m := range b.sim.Messages() {
				if m.Suppressed {
					suppressed++
				} else {
					delivered++
				}
			}
			if delivered != tc.delivered || suppressed != tc.suppressed {
				t.Errorf("%d delivered, %d suppressed; want %d and %d", delivered, suppressed, tc.delivered, tc.suppressed)
			}
		})
	}
}

// forgetful is a ledger that cannot be written at first.
type forgetful struct {
	worker.Ledger
	failures atomic.Int32
}

func (f *forgetful) Settle(ctx context.Context, p tasks.Payload, s tasks.Settlement) (tasks.Record, error) {
	if f.failures.Add(-1) >= 0 {
		return tasks.Record{}, errors.New("connection refused")
	}
	return f.Ledger.Settle(ctx, p, s)
}

func TestAnOutcomeThatCannotBeRecordedIsRecordedLater(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	ledger := &forgetful{Ledger: b.ledger}
	ledger.failures.Store(2)
	b.app.Ledger = ledger
	b.work()
	b.send(text("a", "x"), producer.Options{})
	if r := b.next(); r.State != tasks.Accepted || r.Attempts != 1 || r.PossibleDuplicate {
		t.Errorf("record %+v, want it accepted at the first attempt", r)
	}
	if n := len(b.sim.Messages()); n != 1 {
		t.Errorf("%d messages arrived, want one", n)
	}
}

func TestEveryAttemptPostsTheSameBytes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{Reset: true, After: true, Times: 2})
	b.work()
	b.send(text("a|b", "<a href=\"https://x\">磁盘</a> & 🔥"), producer.Options{})
	b.next()
	var bodies []string
	for _, m := range b.sim.Messages() {
		bodies = append(bodies, m.Body)
	}
	const want = `{"touser":"a|b","msgtype":"text","agentid":1000002,"text":{"content":"<a href=\"https://x\">磁盘</a> & 🔥"}}`
	if !slices.Equal(bodies, []string{want, want, want}) {
		t.Errorf("WeCom got\n%s\nwant three times\n%s", strings.Join(bodies, "\n"), want)
	}
}

func TestARedeliveredMessageIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	stop := b.work()
	receipt := b.send(text("a", "x"), producer.Options{IdempotencyKey: "k"})
	first := b.next()
	b.task(receipt, asynq.TaskStateCompleted)
	stop()
	// asynq has forgotten the task; the ledger has not.
	b.redeliver(receipt)
	b.work()
	info := b.task(receipt, asynq.TaskStateCompleted)
	if !strings.Contains(string(info.Result), first.MsgID) {
		t.Errorf("the dashboard shows %s, want the first record", info.Result)
	}
	if n := len(b.sim.Messages()); n != 1 {
		t.Errorf("%d messages arrived, want one", n)
	}
}

func TestAMessageOfManyRecipientsArrivesInParts(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	users := make([]string, 2345)
	for i := range users {
		users[i] = "user" + strconv.Itoa(i)
	}
	receipt := b.send(text(strings.Join(users, "|"), "x"), producer.Options{})
	if receipt.Parts != 3 {
		t.Fatalf("receipt %+v, want 3 parts", receipt)
	}
	b.work()
	parts := []tasks.Record{b.next(), b.next(), b.next()}
	slices.SortFunc(parts, func(x, y tasks.Record) int { return strings.Compare(x.ID, y.ID) })
	whole := tasks.Merge(parts)
	if whole.ID != receipt.ID || whole.State != tasks.Accepted || whole.Recipients.Accepted != 2345 {
		t.Errorf("record %+v, want %s accepted for 2345", whole, receipt.ID)
	}
	seen := map[string]int{}
	for _, m := range b.sim.Messages() {
		for _, user := range m.To {
			seen[user]++
		}
	}
	for _, user := range users {
		if seen[user] != 1 {
			t.Fatalf("%s got the message %d times", user, seen[user])
		}
	}
}

func TestAlertsOvertakeABacklog(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{Latency: wecomtest.Duration(5 * time.Millisecond)}, func(a *worker.App) { a.Concurrency = 1 })
	for i := range 40 {
		b.send(text("a"+strconv.Itoa(i), "bulk"), producer.Options{Priority: tasks.Bulk})
	}
	b.send(text("b", "default"), producer.Options{})
	b.send(text("c", "critical"), producer.Options{Priority: tasks.Critical})
	b.work()
	// Critical messages are fetched beside the others: either may be the first.
	first, second := b.next(), b.next()
	if got := []tasks.Priority{first.Priority, second.Priority}; !slices.Contains(got, tasks.Critical) || !slices.Contains(got, tasks.Default) {
		t.Errorf("first came %v; want critical and default", got)
	}
}

func TestAnExpiredMessageIsNotSent(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	receipt := b.send(text("a", "x"), producer.Options{ExpiresAt: time.Now().Add(-time.Second)})
	b.work()
	if r := b.next(); r.ID != receipt.ID || r.State != tasks.Expired {
		t.Errorf("record %+v, want state expired", r)
	}
	if n := len(b.sim.Messages()); n != 0 {
		t.Errorf("%d messages arrived, want none", n)
	}
}

func TestAMessageOfAnotherAgentDoesNotSuspendTheApp(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.work()
	foreign := text("a", "x")
	foreign.AgentID = "7"
	b.send(foreign, producer.Options{})
	if r := b.next(); r.State != tasks.Rejected || !strings.Contains(r.ErrMsg, "agentid: 7, but app ops is agent 1000002") {
		t.Errorf("record %+v, want it rejected for its agentid", r)
	}
	b.send(text("a", "x"), producer.Options{})
	if r := b.next(); r.State != tasks.Accepted {
		t.Errorf("record %+v, want the next message accepted", r)
	}
}

func TestAMessageWhoseAttemptsAreUsedUpIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{ErrCode: -1})
	id := tasks.NewID("ops")
	payload := tasks.Encode(tasks.Payload{
		ID: id, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(),
		Body: []byte(`{"touser":"a","msgtype":"text","agentid":"","text":{"content":"x"}}`),
	})
	_, err := asynq.NewClientFromRedisClient(b.rdb).EnqueueContext(t.Context(), asynq.NewTask("message:text", payload),
		asynq.TaskID(id), asynq.Queue("ops:default"), asynq.MaxRetry(2))
	if err != nil {
		t.Fatal(err)
	}
	b.work()
	if r := b.next(); r.State != tasks.Rejected || r.Attempts != 2 || !strings.Contains(r.ErrMsg, "all 2 attempts used up") {
		t.Errorf("record %+v, want it rejected after 2 attempts", r)
	}
}

func TestTasksThatNobodyOrAnotherMustRead(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	client := asynq.NewClientFromRedisClient(b.rdb)
	for id, payload := range map[string]string{
		"garbage": "\x00\xff", "foreign": `{"v":1,"id":"hr-01K9Z3V6C8W5N3T1Q0R7XJ4M2E","app":"hr","priority":"bulk","body":{}}`,
		"newer": `{"v":3}`,
	} {
		if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("message:text", []byte(payload)), asynq.TaskID(id), asynq.Queue("ops:default")); err != nil {
			t.Fatal(err)
		}
	}
	b.work()
	b.task(producer.Receipt{ID: "garbage", Queue: "ops:default"}, asynq.TaskStateArchived)
	b.task(producer.Receipt{ID: "foreign", Queue: "ops:default"}, asynq.TaskStateArchived)
	if info := b.task(producer.Receipt{ID: "newer", Queue: "ops:default"}, asynq.TaskStateRetry); info.Retried != 0 {
		t.Errorf("the newer payload has used up %d attempts", info.Retried)
	}
}

func TestStoppingFinishesCallsInFlightAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{Latency: wecomtest.Duration(300 * time.Millisecond)}, func(a *worker.App) { a.Concurrency = 3 })
	const all = 10
	for i := range all {
		b.send(text("a"+strconv.Itoa(i), "x"), producer.Options{})
	}
	stop := b.work()
	b.next() // the first has been sent, others are in flight
	stop()
	arrived := len(b.sim.Messages())
	info, err := asynq.NewInspectorFromRedisClient(b.rdb).GetQueueInfo("ops:default")
	if err != nil {
		t.Fatal(err)
	}
	waiting := info.Pending + info.Retry // one may have been about to be called
	if info.Active != 0 || info.Completed != arrived || waiting != all-arrived || arrived == all {
		t.Errorf("%d arrived; the queue holds %d active, %d completed, %d waiting of %d", arrived, info.Active, info.Completed, waiting, all)
	}
	b.work()
	for range all - 1 {
		if r := b.next(); r.State != tasks.Accepted || r.PossibleDuplicate {
			t.Errorf("record %+v, want it accepted, once", r)
		}
	}
	if n := len(b.sim.Messages()); n != all {
		t.Errorf("%d messages arrived, want %d", n, all)
	}
}

func TestConfigNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	for want, change := range map[string]func(*worker.App){
		"app:":                    func(a *worker.App) { a.Name = "Ops!" },
		"AgentID is empty":        func(a *worker.App) { a.AgentID = "" },
		"Sender is nil":           func(a *worker.App) { a.Sender = nil },
		"Timeout: 2m0s is more":   func(a *worker.App) { a.Timeout = 2 * time.Minute },
		"must not be negative":    func(a *worker.App) { a.Concurrency = -1 },
		"neither resend nor park": func(a *worker.App) { a.OnUnknown = "drop" },
	} {
		app := b.app
		change(&app)
		_, err := worker.New(worker.Config{Redis: b.rdb, Apps: []worker.App{app}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	if _, err := worker.New(worker.Config{Apps: []worker.App{b.app}}); err == nil {
		t.Error("no error without a Redis")
	}
	if _, err := worker.New(worker.Config{Redis: b.rdb}); err == nil {
		t.Error("no error without apps")
	}
}
