package lookup_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// enqueue sends a message to this number of users.
func enqueue(d *daemontest.Deployment, users int, options producer.Options) producer.Receipt {
	to := make([]string, users)
	for i := range to {
		to[i] = "u" + strconv.Itoa(i)
	}
	return d.Send("ops", daemontest.Text(strings.Join(to, "|"), "x"), options)
}

// settle acts as the worker of one part.
func settle(t *testing.T, d *daemontest.Deployment, id string, parts int, s tasks.Settlement) {
	t.Helper()
	p := tasks.Payload{ID: id, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(), Parts: parts}
	pacer := pacing.New(d.Redis, pacing.Config{App: "ops", RecordTTL: time.Hour})
	if _, err := pacer.Admit(t.Context(), tasks.AdmissionRequest{Payload: p, Users: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.LedgerOf("ops").Settle(t.Context(), p, s); err != nil {
		t.Fatal(err)
	}
}

func TestAMessageBeforeItsFirstAttempt(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	for want, options := range map[tasks.State]producer.Options{
		tasks.Queued: {Priority: tasks.Bulk}, tasks.Scheduled: {Delay: time.Hour, Priority: tasks.Critical},
	} {
		receipt := enqueue(d, 1, options)
		r, err := finder.Message(t.Context(), receipt.ID)
		if err != nil {
			t.Fatal(err)
		}
		if r.State != want || r.Priority != options.Priority || r.Type != message.TypeText || r.Attempts != 0 || time.Since(r.EnqueuedAt) > time.Minute {
			t.Errorf("record %+v, want state %s", r, want)
		}
	}
}

func TestTheRecordOfAPartedMessageTellsTheWhole(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	receipt := enqueue(d, 2500, producer.Options{})
	message := func() tasks.Record {
		t.Helper()
		r, err := finder.Message(t.Context(), receipt.ID)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := message(); r.State != tasks.Queued || len(r.Parts) != 3 {
		t.Errorf("record %+v, want three queued parts", r)
	}
	// The second part is sent before the first was tried.
	settle(t, d, tasks.PartID(receipt.ID, 2), 3, tasks.Settlement{State: tasks.Accepted, MsgID: "m2", Recipients: tasks.Recipients{Accepted: 1000}})
	if r := message(); r.State != tasks.Queued || r.Recipients.Accepted != 1000 || len(r.Parts) != 3 {
		t.Errorf("record %+v, want it queued still, with 1000 accepted", r)
	}
	settle(t, d, receipt.ID, 3, tasks.Settlement{State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: 1000}})
	settle(t, d, tasks.PartID(receipt.ID, 3), 3, tasks.Settlement{State: tasks.Rejected, ErrCode: 81013, ErrMsg: "nobody"})
	if r := message(); r.State != tasks.Partial || r.ErrCode != 81013 || r.Recipients.Accepted != 2000 || r.Attempts != 3 {
		t.Errorf("record %+v, want it partial with 2000 accepted", r)
	}
	if r, err := finder.ByMsgID(t.Context(), "m2"); err != nil || r.ID != receipt.ID || len(r.Parts) != 3 {
		t.Errorf("by the msgid of a part: record %+v, error %v; want the whole message", r, err)
	}
}

func TestAMessageOfAPausedApp(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	receipt := enqueue(d, 1, producer.Options{})
	if err := asynqx.PauseFor(t.Context(), d.Redis, receipt.Queue, time.Minute); err != nil {
		t.Fatal(err)
	}
	r, err := finder.Message(t.Context(), receipt.ID)
	if err != nil || r.State != tasks.Held || !strings.Contains(r.ErrMsg, "is blocked for another") {
		t.Errorf("record %+v, error %v; want it held by the pause", r, err)
	}
}

func TestAMessageThatIsSentWhileItIsLookedUp(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	for range 50 {
		receipt := enqueue(d, 1, producer.Options{})
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			settle(t, d, receipt.ID, 0, tasks.Settlement{State: tasks.Accepted, MsgID: "m"})
			if err := d.Asynq.DeleteTask(receipt.Queue, receipt.ID); err != nil {
				t.Error(err)
			}
		}()
		for seen := tasks.Queued; seen != tasks.Accepted; {
			r, err := finder.Message(t.Context(), receipt.ID)
			if err != nil || r.State.Final() && r.State != tasks.Accepted {
				t.Fatalf("record %+v, error %v; want queued, sending or accepted", r, err)
			}
			seen = r.State
		}
		<-sent
	}
}

func TestAMessageThatNobodyKnows(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	if _, err := finder.Message(t.Context(), tasks.NewID("ops")); !errors.Is(err, lookup.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if _, err := finder.ByMsgID(t.Context(), "m"); !errors.Is(err, lookup.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}

func TestAPartThatIsLostIsTold(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	receipt := enqueue(d, 2500, producer.Options{})
	lost := tasks.PartID(receipt.ID, 2)
	if err := d.Asynq.DeleteTask(receipt.Queue, lost); err != nil {
		t.Fatal(err)
	}
	r, err := d.FinderOf("ops").Message(t.Context(), receipt.ID)
	if err != nil || len(r.Parts) != 3 {
		t.Fatalf("record %+v, %v; want all three parts", r, err)
	}
	if part := r.Parts[1]; part.ID != lost || part.State != tasks.Unknown || !strings.Contains(part.ErrMsg, "was never enqueued") {
		t.Errorf("the part that is lost: %+v", part)
	}
}

func TestABroadcastIsNoMessage(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	id := tasks.BroadcastIDFromKey("ops", "greeting")
	for _, asked := range []string{id, id + ".0.1"} {
		_, err := d.FinderOf("ops").Message(t.Context(), asked)
		if !errors.Is(err, lookup.ErrNotFound) || !strings.Contains(err.Error(), "wecomq broadcast status "+id) {
			t.Errorf("%s: %v, want where to look", asked, err)
		}
	}
}

func TestALookWithoutRedisSaysThatItIsAway(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, look := range map[string]func() error{
		"message": func() error { _, err := finder.Message(ctx, tasks.NewID("ops")); return err },
		"part":    func() error { _, err := finder.Part(ctx, tasks.NewID("ops")); return err },
		"msgid":   func() error { _, err := finder.ByMsgID(ctx, "m"); return err },
		"key":     func() error { _, err := finder.ByKey(ctx, "", "k"); return err },
		"payload": func() error { _, err := finder.Payload(ctx, tasks.NewID("ops"), message.TypeText); return err },
	} {
		if err := look(); !errors.Is(err, context.Canceled) || errors.Is(err, lookup.ErrNotFound) {
			t.Errorf("%s: %v, want that the look was broken off, not that there is none", name, err)
		}
	}
}

func TestTheDashboardRemembersWhatTheLedgerHasForgotten(t *testing.T) {
	t.Parallel()
	d := daemontest.New(t, daemontest.Config{})
	finder := d.FinderOf("ops")
	receipt := enqueue(d, 1, producer.Options{})
	want := tasks.Record{ID: receipt.ID, App: "ops", State: tasks.Accepted, MsgID: "m1", Attempts: 1}
	ended := make(chan struct{})
	server := asynq.NewServerFromRedisClient(d.Redis, asynq.Config{
		Concurrency: 1, Queues: map[string]int{receipt.Queue: 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: time.Millisecond,
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		defer close(ended)
		result, err := want.JSON()
		if err == nil {
			_, err = task.ResultWriter().Write(result)
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	server.Shutdown()
	if r, err := finder.Message(t.Context(), receipt.ID); err != nil || r.State != tasks.Accepted || r.MsgID != "m1" {
		t.Errorf("record %+v, error %v; want what the dashboard shows", r, err)
	}
}
