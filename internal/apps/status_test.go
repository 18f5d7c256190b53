package apps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// backlog puts messages into the default queue of an app that were enqueued a while ago.
func backlog(t *testing.T, rdb redis.UniversalClient, app string, messages int, ago time.Duration) {
	t.Helper()
	all := make([]asynqx.Task, messages)
	for i := range all {
		all[i] = asynqx.Task{Task: asynq.NewTask("x", nil), Opts: []asynq.Option{
			asynq.Queue(tasks.Queue(app, tasks.Default)), asynq.TaskID(fmt.Sprintf("%s-%d", app, i)),
		}}
	}
	for _, result := range asynqx.BulkEnqueue(t.Context(), rdb, time.Now().Add(-ago), all) {
		if result.Err != nil {
			t.Fatal(result.Err)
		}
	}
}

// However many apps there are, and whatever is wrong with them, Redis is asked in as many round trips.
func TestWhatIsStuckIsToldWithItsCauseAndAge(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	inspector := apps.New(rdb)
	names := []string{"fine", "idle", "paused", "unserved"}
	for _, name := range names {
		inspector.Add(apps.App{Name: name, Limits: seated()})
	}
	for _, name := range names[2:] {
		backlog(t, rdb, name, 28, 36*time.Minute)
	}
	backlog(t, rdb, "fine", 3, 0)
	if err := inspector.Pause(t.Context(), "paused"); err != nil {
		t.Fatal(err)
	}
	all, err := inspector.Statuses(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	for i, by := range []string{"", "", pacing.Paused, apps.ByWorkers} {
		s := all[i]
		if s.App != names[i] {
			t.Fatalf("app %d is %s", i, s.App)
		}
		if by == "" {
			if len(s.Stuck) > 0 {
				t.Errorf("%s is stuck: %v", s.App, s.Stuck)
			}
			continue
		}
		age := time.Since(s.WaitingSince)
		if len(s.Stuck) != 1 || s.Stuck[0].By != by || s.Stuck[0].Messages != 28 || age < 36*time.Minute || age > 37*time.Minute || !s.EndsAt.IsZero() {
			t.Errorf("%s: stuck is %v, waiting since %s, ends at %s", s.App, s.Stuck, s.WaitingSince, s.EndsAt)
		}
	}
	if s := all[0]; s.EndsAt.IsZero() || time.Until(s.EndsAt) > time.Minute {
		t.Errorf("three messages end at %s", s.EndsAt)
	}
	if s := all[1]; !s.EndsAt.IsZero() || !s.WaitingSince.IsZero() {
		t.Errorf("nothing waits since %s and ends at %s", s.WaitingSince, s.EndsAt)
	}
}

// attempt sends a message and writes down what became of it.
func attempt(t *testing.T, rdb redis.UniversalClient, id string, state tasks.State) {
	t.Helper()
	p := tasks.Payload{ID: id, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(), Body: []byte(`{}`)}
	if _, err := pacing.New(rdb, pacing.Config{App: "ops", RecordTTL: time.Hour}).Admit(t.Context(), tasks.AdmissionRequest{Payload: p, Users: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.New(rdb, "ops", time.Hour).Settle(t.Context(), p, tasks.Settlement{State: state, ErrCode: 81013}); err != nil {
		t.Fatal(err)
	}
}

func TestTheLastHourIsCountedByTheMinute(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	inspector := apps.New(rdb)
	inspector.Add(apps.App{Name: "ops", Limits: tasks.DefaultLimits()})
	for i, state := range []tasks.State{tasks.Accepted, tasks.Accepted, tasks.Rejected, tasks.Unknown, tasks.Partial, tasks.Queued} {
		attempt(t, rdb, fmt.Sprintf("ops-%d", i), state)
	}
	s, err := inspector.Status(t.Context(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	if want := (apps.Sum{Calls: 6, Failed: 3}); s.LastHour != want || s.Dead != 2 {
		t.Errorf("%+v and %d dead letters, want %+v and 2", s.LastHour, s.Dead, want)
	}
	if newest := s.Minutes[58].Calls + s.Minutes[59].Calls; newest != 6 {
		t.Errorf("%d calls in the last two minutes: %+v", newest, s.Minutes)
	}
	hours, err := ledger.LastHours(t.Context(), rdb, time.Now().Add(58*time.Minute), "ops")
	if err != nil || hours[0][0].Calls+hours[0][1].Calls+hours[0][2].Calls != 6 {
		t.Errorf("58 minutes later: %+v, %v", hours, err)
	}
	if hours, err = ledger.LastHours(t.Context(), rdb, time.Now().Add(61*time.Minute), "ops"); err != nil || hours[0].Sum() != (ledger.Minute{}) {
		t.Errorf("61 minutes later: %+v, %v", hours, err)
	}
}
