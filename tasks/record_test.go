package tasks_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

func TestARecordHasTheMembersOfTheContract(t *testing.T) {
	t.Parallel()
	got, err := tasks.Record{
		ID: "ops-1", App: "ops", Type: message.TypeText, Priority: tasks.Default, State: tasks.Accepted, MsgID: "m<1>", Attempts: 1,
		Recipients: tasks.Recipients{Accepted: 2, Invalid: []string{}, Unlicensed: []string{}},
		EnqueuedAt: time.UnixMilli(1_790_000_000_123).UTC(), FinishedAt: time.UnixMilli(1_790_000_000_456).UTC(),
	}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"ops-1","app":"ops","type":"text","priority":"default","state":"accepted","errcode":0,"errmsg":"","msgid":"m<1>",` +
		`"response_code":"","attempts":1,"recipients":{"accepted":2,"invalid":[],"unlicensed":[]},` +
		`"enqueued_at":"2026-09-21T14:13:20.123Z","finished_at":"2026-09-21T14:13:20.456Z"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	rec := func(states ...tasks.State) []tasks.Record {
		var parts []tasks.Record
		for _, state := range states {
			parts = append(parts, tasks.Record{
				ID: "ops-1", State: state, Attempts: 1, FinishedAt: time.UnixMilli(1), ErrMsg: string(state),
				Recipients: tasks.Recipients{Accepted: 10},
			})
		}
		return parts
	}
	for name, tc := range map[string]struct {
		parts []tasks.Record
		want  tasks.State
	}{
		"one part is itself":                      {rec(tasks.Rejected), tasks.Rejected},
		"all accepted":                            {rec(tasks.Accepted, tasks.Accepted), tasks.Accepted},
		"some accepted, one rejected":             {rec(tasks.Accepted, tasks.Rejected), tasks.Partial},
		"none accepted":                           {rec(tasks.Rejected, tasks.Expired), tasks.Rejected},
		"one unknown beside rejected":             {rec(tasks.Rejected, tasks.Unknown), tasks.Unknown},
		"one part still waits":                    {rec(tasks.Accepted, tasks.Queued), tasks.Queued},
		"one part is being sent, another is held": {rec(tasks.Sending, tasks.Held), tasks.Sending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tasks.Merge(tc.parts)
			if got.State != tc.want {
				t.Errorf("state %s, want %s", got.State, tc.want)
			}
			if got.State.Final() == got.FinishedAt.IsZero() {
				t.Errorf("finished_at is %v in state %s", got.FinishedAt, got.State)
			}
			if got.Recipients.Invalid == nil && len(tc.parts) > 1 {
				t.Error("invalid is null, not []")
			}
			if n := len(tc.parts); got.Attempts != n || got.Recipients.Accepted != 10*n {
				t.Errorf("%d attempts and %d accepted of %d parts", got.Attempts, got.Recipients.Accepted, n)
			}
		})
	}
}

func TestAMessageIsRecalledOnceAllItsPartsAre(t *testing.T) {
	t.Parallel()
	early, late := time.UnixMilli(1_790_000_000_000), time.UnixMilli(1_790_000_001_000)
	first := tasks.Record{State: tasks.Accepted, RecalledAt: late, To: message.Recipients{Users: []string{"a"}}, ReplayedAs: "ops-2"}
	second := tasks.Record{State: tasks.Partial, RecalledAt: early, To: message.Recipients{Users: []string{"b"}}}
	third := tasks.Record{State: tasks.Rejected, To: message.Recipients{Parties: []string{"7"}}}
	whole := tasks.Merge([]tasks.Record{first, second, third})
	if !whole.RecalledAt.Equal(late) || whole.ReplayedAs != "" {
		t.Errorf("recalled at %s, replayed as %q; want %s and nothing", whole.RecalledAt, whole.ReplayedAs, late)
	}
	if diff := cmp.Diff(message.Recipients{Users: []string{"a", "b"}, Parties: []string{"7"}}, whole.To); diff != "" {
		t.Errorf("to (-want +got):\n%s", diff)
	}
	second.RecalledAt = time.Time{}
	if whole := tasks.Merge([]tasks.Record{first, second, third}); !whole.RecalledAt.IsZero() {
		t.Errorf("recalled at %s, though WeCom has a part", whole.RecalledAt)
	}
}
