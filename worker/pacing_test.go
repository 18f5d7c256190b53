package worker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// limits makes an app keep to these.
func limits(l tasks.Limits) func(*worker.App) {
	return func(a *worker.App) { a.Limits = l }
}

// whole is the record of a message with its parts and follow-ups.
func (b *bundle) whole(id string) tasks.Record {
	b.Helper()
	r, err := lookup.New(b.rdb, "ops", b.ledger).Message(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *bundle) pacer() *pacing.Pacer { return pacing.New(b.rdb, pacing.Config{App: "ops"}) }

// dueNow makes a task's time come, whatever asynq waits for.
func (b *bundle) dueNow(queue, id string) {
	b.Helper()
	if err := asynq.NewInspectorFromRedisClient(b.rdb).RunTask(queue, id); err != nil {
		b.Fatal(err)
	}
}

func TestWhoIsOverTheLimitFollowsLater(t *testing.T) {
	t.Parallel()
	narrow := tasks.Limits{CallsPerMinute: 10_000, MemberPerMinute: 2, MemberPerHour: 1000}
	b := newBundle(t, wecomtest.Rules{MemberPerMinute: 2}, limits(narrow))
	b.work()
	b.send(text("Busy.Bee", "first"), producer.Options{})
	b.next()
	receipt := b.send(text("a|busy.bee|c", "磁盘 <93%>"), producer.Options{})
	if r := b.next(); r.ID != receipt.ID || r.State != tasks.Accepted || r.Recipients.Accepted != 2 {
		t.Fatalf("record %+v, want it accepted for two", r)
	}

	followUp := tasks.FollowUpID(receipt.ID, 1)
	waiting := b.task(producer.Receipt{ID: followUp, Queue: receipt.Queue}, asynq.TaskStateScheduled)
	if in := time.Until(waiting.NextProcessAt); in < 58*time.Second || in > 65*time.Second {
		t.Errorf("the follow-up comes in %s, want a minute and a little", in)
	}
	if r := b.whole(receipt.ID); r.State.Final() || len(r.Parts) != 2 {
		t.Errorf("while one waits the whole is %+v, want it to be open", r)
	}

	// The member's window has passed.
	if err := b.rdb.Del(t.Context(), keys.Window("ops", "busy.bee")).Err(); err != nil {
		t.Fatal(err)
	}
	b.dueNow(receipt.Queue, followUp)
	if r := b.next(); r.ID != followUp || r.State != tasks.Accepted {
		t.Errorf("record %+v, want the follow-up accepted", r)
	}
	if r := b.whole(receipt.ID); r.State != tasks.Accepted || r.Recipients.Accepted != 3 || r.ID != receipt.ID {
		t.Errorf("the whole is %+v, want it accepted for three", r)
	}
	var got []string
	for _, m := range b.sim.Messages()[1:] {
		got = append(got, m.Body)
	}
	want := []string{
		`{"touser":"a|c","msgtype":"text","agentid":1000002,"text":{"content":"磁盘 <93%>"}}`,
		`{"touser":"busy.bee","msgtype":"text","agentid":1000002,"text":{"content":"磁盘 <93%>"}}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("WeCom got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestADepartmentGetsNoFollowUp(t *testing.T) {
	t.Parallel()
	narrow := tasks.Limits{CallsPerMinute: 10_000, MemberPerMinute: 2, MemberPerHour: 1000}
	b := newBundle(t, wecomtest.Rules{}, limits(narrow))
	b.work()
	b.send(text("busy", "first"), producer.Options{})
	b.next()
	request := text("a|busy", "second")
	request.ToParty, request.ToTag = "1", "2"
	receipt := b.send(request, producer.Options{})
	b.next()
	if got, want := b.sim.Messages()[1].Body, `{"touser":"a","toparty":"1","totag":"2","msgtype":"text","agentid":1000002,"text":{"content":"second"}}`; got != want {
		t.Errorf("WeCom got %s, want %s", got, want)
	}
	waiting := b.task(producer.Receipt{ID: tasks.FollowUpID(receipt.ID, 1), Queue: receipt.Queue}, asynq.TaskStateScheduled)
	payload, err := tasks.Decode(waiting.Type, waiting.Payload)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(payload.Body), `{"touser":"busy","toparty":"","totag":"","msgtype":"text","agentid":1000002,"text":{"content":"second"}}`; got != want {
		t.Errorf("the follow-up is %s, want %s", got, want)
	}
}

func TestAFloodToOneMemberLosesNoneAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.work()
	for i := range 40 {
		b.send(text("busy", fmt.Sprint("flood ", i)), producer.Options{})
	}
	other := b.send(text("other", "x"), producer.Options{})
	sent := 0
	for r := b.next(); r.ID != other.ID; r = b.next() {
		sent++
	}
	if sent > 27 {
		t.Errorf("%d messages to one member within a minute, want 27 and the rest for alerts", sent)
	}
	for range 27 - sent {
		b.next()
	}
	alert := b.send(text("busy", "alert"), producer.Options{Priority: tasks.Critical})
	if r := b.next(); r.ID != alert.ID {
		t.Errorf("after 27 messages came %+v, want the alert", r)
	}
	waittest.Until(b.T, "13 messages wait for their turn", func() bool {
		info, err := asynq.NewInspectorFromRedisClient(b.rdb).GetQueueInfo("ops:default")
		return err == nil && info.Retry == 13 && info.Active == 0
	})
	waiting, err := asynq.NewInspectorFromRedisClient(b.rdb).ListRetryTasks("ops:default")
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range waiting {
		if r := b.whole(info.ID); r.State != tasks.Held || r.Attempts != 0 || time.Until(r.TurnAt) < 55*time.Second {
			t.Errorf("record %+v, want it held for a minute", r)
		}
	}
	if stats := b.sim.Stats(); stats.Dropped != 0 || stats.Delivered != 29 {
		t.Errorf("%d delivered, %d dropped; want 29 and none", stats.Delivered, stats.Dropped)
	}
}

func TestWhomWeComRefusesIsGivenBackToTheLimits(t *testing.T) {
	t.Parallel()
	narrow := tasks.Limits{CallsPerMinute: 10_000, MemberPerMinute: 30, MemberPerHour: 1000, Seats: 1}
	b := newBundle(t, wecomtest.Rules{Invisible: []string{"left"}}, limits(narrow))
	b.work()
	b.send(text("a|Left|b", "x"), producer.Options{})
	if r := b.next(); r.State != tasks.Partial {
		t.Fatalf("record %+v, want it accepted in part", r)
	}
	waittest.Until(t, "the refused one is given back", func() bool {
		s, err := b.pacer().Status(t.Context())
		return err == nil && s.Used == 2
	})
	if n := b.rdb.Exists(t.Context(), keys.Window("ops", "left")).Val(); n != 0 {
		t.Error("a message counts for who got none")
	}
	if n := b.rdb.Exists(t.Context(), keys.Window("ops", "a")).Val(); n != 1 {
		t.Error("no message counts for who got one")
	}
}

func TestAnAlertOvertakesABacklogAtTheLimit(t *testing.T) {
	t.Parallel()
	// Every 2 s, so that the alert has come between two calls on any machine.
	slow := tasks.Limits{CallsPerMinute: 30, MemberPerMinute: 30, MemberPerHour: 1000}
	b := newBundle(t, wecomtest.Rules{}, limits(slow))
	for i := range 100 {
		b.send(text(fmt.Sprint("a", i), "bulk"), producer.Options{Priority: tasks.Bulk})
	}
	b.work()
	for range 2 {
		b.next()
	}
	for range 2 {
		b.send(text("b", "alert"), producer.Options{Priority: tasks.Critical})
	}
	var order []tasks.Priority
	for range 2 {
		order = append(order, b.next().Priority)
	}
	if n := slices.Index(order, tasks.Critical); n < 0 || n > 1 {
		t.Errorf("order %v, want the first alert next, or after the call that was under way", order)
	}
}

func TestAPausedAppHoldsWhatItHasInHand(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	if err := b.pacer().Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.work()
	receipt := b.send(text("a", "x"), producer.Options{Priority: tasks.Critical})
	info := b.task(receipt, asynq.TaskStateRetry)
	if info.Retried != 0 || !strings.Contains(info.LastErr, "paused") {
		t.Errorf("task %+v, want it held by the pause at no cost", info)
	}
	// The queues rest too, whatever somebody does in the dashboard; not for ever, or an
	// app that is resumed at this very moment would never go on.
	if ttl := b.rdb.TTL(t.Context(), "asynq:{ops:default}:paused").Val(); ttl <= 0 || ttl > 15*time.Second {
		t.Errorf("queue ops:default is paused for %s, want a quarter of a minute", ttl)
	}
}

func TestAfterAPenaltyOneMessageProbes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{}, func(a *worker.App) { a.Concurrency = 1 })
	b.fault(wecomtest.Fault{ErrCode: 45009, Times: 2})
	for i := range 30 {
		b.send(text(fmt.Sprint("a", i), "x"), producer.Options{})
	}
	b.work() // RatePause is a second
	for range 30 {
		if r := b.next(); r.State != tasks.Accepted {
			t.Errorf("record %+v, want it accepted", r)
		}
	}
	if n := b.sim.Stats().APIs["message/send"].Codes[45009]; n != 2 {
		t.Errorf("45009 came %d times, want twice: one call, then one probe", n)
	}
	if s, err := b.pacer().Status(t.Context()); err != nil || s.State != pacing.Running || s.Rate > 0.81 {
		t.Errorf("status %+v, %v; want it running at a lower rate", s, err)
	}
}

func TestAWrongSettingSuspendsTheAppWithItsReason(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	b.fault(wecomtest.Fault{ErrCode: 60020})
	receipt := b.send(text("a", "x"), producer.Options{})
	b.work()
	b.task(receipt, asynq.TaskStateRetry)
	s, err := b.pacer().Status(t.Context())
	if err != nil || s.State != pacing.Suspended || !strings.Contains(s.Reason, "60020") || s.Left < 4*time.Minute {
		t.Fatalf("status %+v, %v; want it suspended for 5 minutes, with the reason", s, err)
	}
	b.sim.ClearFaults()
	if err := b.pacer().Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, p := range tasks.Priorities() {
		b.rdb.Del(t.Context(), "asynq:{"+tasks.Queue("ops", p)+"}:paused")
	}
	b.dueNow(receipt.Queue, receipt.ID)
	if r := b.next(); r.State != tasks.Accepted || r.Attempts != 2 {
		t.Errorf("record %+v, want it accepted at the second attempt", r)
	}
}
