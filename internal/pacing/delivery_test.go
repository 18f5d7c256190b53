package pacing_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

func TestADeliveryThatAsksAgainIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	pacer := pacing.New(rdb, pacing.Config{
		App: "ops", RecordTTL: time.Hour, Limits: tasks.Limits{CallsPerMinute: 10_000, MemberPerMinute: 2, MemberPerHour: 1000, Seats: 1},
	})
	ask := func(id, delivery string, users ...string) tasks.Admission {
		t.Helper()
		a, err := pacer.Admit(t.Context(), tasks.AdmissionRequest{
			Payload:  tasks.Payload{ID: id, App: "ops", Priority: tasks.Default, Type: message.TypeText, EnqueuedAt: time.Now(), Body: []byte(`{}`)},
			Delivery: delivery, Policy: tasks.ResendPolicy{InFlight: time.Minute}, Users: users,
		})
		if err != nil {
			t.Fatal(err)
		}
		a.Spacing = 0 // depends on the time
		for i := range a.FollowUps {
			a.FollowUps[i].Wait = 0
		}
		return a
	}
	ask("ops-0", "x", "busy")

	first := ask("ops-1", "d1", "free", "busy") // the minute of busy is used up
	if first.Verdict != tasks.Go || first.Number != 1 || len(first.FollowUps) != 1 {
		t.Fatalf("admission %+v, want it to go without the busy one", first)
	}
	if diff := cmp.Diff(first, ask("ops-1", "d1", "free", "busy")); diff != "" {
		t.Errorf("the same delivery is answered otherwise (-first +second):\n%s", diff)
	}
	for _, other := range []string{"d2", ""} {
		if a := ask("ops-1", other, "free", "busy"); a.Verdict != tasks.Busy {
			t.Errorf("delivery %q is told %+v, want busy", other, a)
		}
	}
	const number = 4 // bytes, see moments.lua
	for key, want := range map[string]int64{keys.Window("ops", "free"): 1 + 1, keys.Plan("ops", "busy"): 3 + 1} {
		if n := rdb.StrLen(t.Context(), key).Val() / number; n != want {
			t.Errorf("%s holds %d numbers, want %d: the second question counts for nothing", key, n, want)
		}
	}
	if s, err := pacer.Status(t.Context()); err != nil || s.Used != 2 {
		t.Errorf("%d persons are counted, %v; want 2", s.Used, err)
	}
}
