package budget_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// noon is 12:00:30 in China.
var noon = time.Date(2026, 1, 2, 4, 0, 30, 0, time.UTC)

// at is a budget at a moment that the test chooses.
func at(t *testing.T, limits budget.Limits) (b *budget.Budget, now *time.Time) {
	t.Helper()
	b, moment := budget.New(redistest.New(t), "builds", limits), noon
	now = &moment
	b.Now = func() int64 {
		current := *now
		return current.UnixMilli()
	}
	return b, now
}

// take takes from a budget, and says which limit each message met, "" for none.
func take(t *testing.T, b *budget.Budget, recipients ...int) []string {
	t.Helper()
	met := make([]string, len(recipients))
	_, refused := b.Take(t.Context(), recipients)
	for i, err := range refused {
		if spent, ok := errors.AsType[*budget.SpentError](err); ok {
			met[i] = spent.Limit
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return met
}

func TestEachMessageHasRoomOrNot(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits     budget.Limits
		recipients []int
		want       []string
	}{
		"messages a minute": {
			budget.Limits{PerMinute: 2},
			[]int{1, 500, 1, 1},
			[]string{"", "", budget.PerMinute, budget.PerMinute},
		},
		"recipients a day: after one that is too large a smaller one has room": {
			budget.Limits{RecipientsPerDay: 10},
			[]int{6, 5, 4, 1},
			[]string{"", budget.RecipientsPerDay, "", budget.RecipientsPerDay},
		},
		"both: what met one takes nothing of the other": {
			budget.Limits{PerMinute: 2, RecipientsPerDay: 10},
			[]int{11, 5, 6, 5, 1},
			[]string{budget.RecipientsPerDay, "", budget.RecipientsPerDay, "", budget.PerMinute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := at(t, tc.limits)
			if diff := cmp.Diff(tc.want, take(t, b, tc.recipients...)); diff != "" {
				t.Errorf("limits that were met (-want +got):\n%s", diff)
			}
		})
	}
}

func TestABudgetIsFullAgainWithTheNextMinuteAndTheNextDayOfChina(t *testing.T) {
	t.Parallel()
	b, now := at(t, budget.Limits{PerMinute: 2, RecipientsPerDay: 3})
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{0, []string{"", "", budget.PerMinute}},
		{29 * time.Second, []string{budget.PerMinute, budget.PerMinute, budget.PerMinute}},
		{time.Second, []string{"", budget.RecipientsPerDay, budget.RecipientsPerDay}},
		{12*time.Hour - 2*time.Minute, []string{budget.RecipientsPerDay, budget.RecipientsPerDay, budget.RecipientsPerDay}},
		{time.Minute, []string{"", "", budget.PerMinute}}, // it is midnight
	} {
		*now = now.Add(step.after)
		if diff := cmp.Diff(step.want, take(t, b, 1, 1, 1)); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", now, diff)
		}
	}
}

func TestTheErrorSaysHowMuchIsLeftAndForHowLong(t *testing.T) {
	t.Parallel()
	b, _ := at(t, budget.Limits{PerMinute: 2, RecipientsPerDay: 10})
	_, refused := b.Take(t.Context(), []int{7, 4, 3, 1})
	want := []error{
		nil, &budget.SpentError{Token: "builds", Limit: budget.RecipientsPerDay, Max: 10, Left: 0, Needs: 4, After: 11*time.Hour + 59*time.Minute + 30*time.Second},
		nil, &budget.SpentError{Token: "builds", Limit: budget.PerMinute, Max: 2, Left: 0, Needs: 1, After: 30 * time.Second},
	}
	if diff := cmp.Diff(want, refused, cmp.Comparer(func(a, b error) bool { return cmp.Equal(a, b) })); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	const text = `token "builds" may send 2 messages a minute (per_minute): 0 left, and this needs 1; all again in 30s`
	if refused[3].Error() != text {
		t.Errorf("%q, want %q", refused[3], text)
	}
}

func TestWhatIsGivenBackIsFreeInItsOwnWindowsOnly(t *testing.T) {
	t.Parallel()
	b, now := at(t, budget.Limits{PerMinute: 2, RecipientsPerDay: 10})
	giveBack, _ := b.Take(t.Context(), []int{5, 5})
	giveBack(t.Context(), []int{5})
	if diff := cmp.Diff([]string{"", budget.PerMinute}, take(t, b, 5, 1)); diff != "" {
		t.Errorf("after one was given back (-want +got):\n%s", diff)
	}
	*now = now.Add(time.Minute)
	take(t, b, 0, 0)
	giveBack(t.Context(), []int{5})
	if diff := cmp.Diff([]string{budget.PerMinute}, take(t, b, 1)); diff != "" {
		t.Errorf("after the minute (-want +got):\n%s", diff)
	}
}

func TestAllGatewaysTogetherKeepToABudget(t *testing.T) {
	t.Parallel()
	const gateways, each, most = 8, 50, 123
	rdb := redistest.New(t)
	var lock sync.Mutex
	var all sync.WaitGroup
	taken := 0
	for range gateways {
		all.Go(func() {
			b := budget.New(rdb, "builds", budget.Limits{RecipientsPerDay: most})
			b.Now = noon.UnixMilli
			for range each {
				if _, refused := b.Take(t.Context(), []int{1}); refused[0] == nil {
					lock.Lock()
					taken++
					lock.Unlock()
				}
			}
		})
	}
	all.Wait()
	if taken != most {
		t.Errorf("%d messages had room, want %d", taken, most)
	}
}

func TestUsedIsWhatWasTakenOfTheCurrentWindows(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for token, when := range map[string]int64{"now": 0, "long ago": noon.UnixMilli()} {
		b := budget.New(rdb, token, budget.Limits{RecipientsPerDay: 10})
		b.Now = func() int64 { return when }
		take(t, b, 3, 4)
	}
	used, err := budget.Used(t.Context(), rdb, []string{"now", "long ago", "never"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for token, u := range used { // the minute may have ended meanwhile
		got[token] = u.Recipients
	}
	if diff := cmp.Diff(map[string]int{"now": 7, "long ago": 0, "never": 0}, got); diff != "" {
		t.Errorf("recipients used (-want +got):\n%s", diff)
	}
	if life := rdb.PTTL(t.Context(), keys.Budget("now")).Val(); life <= 0 || life > 24*time.Hour {
		t.Errorf("the key lives %s, want until the end of the day", life)
	}
}

func TestRedisAwayIsNotALimit(t *testing.T) {
	t.Parallel()
	b := budget.New(redistest.New(t), "builds", budget.Limits{PerMinute: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, refused := b.Take(ctx, []int{1, 1})
	for _, err := range refused {
		if _, away := errors.AsType[*asynqx.RedisError](err); !away {
			t.Errorf("error %v", err)
		}
	}
}

func TestWhatATokenMaySendAtAll(t *testing.T) {
	t.Parallel()
	everyone := message.Recipients{Users: []string{"@ALL"}}
	three := message.Recipients{Users: []string{"a", "b", "A"}, Parties: []string{"1"}, Tags: nil}
	limits := budget.Limits{NotToAll: true, MaxRecipients: 2, Priorities: []tasks.Priority{tasks.Bulk}}
	for name, tc := range map[string]struct {
		limits   budget.Limits
		to       message.Recipients
		priority tasks.Priority
		want     string
	}{
		"no limits":            {to: everyone, priority: tasks.Critical, want: ""},
		"within all":           {limits: limits, to: message.Recipients{Users: []string{"a", "b", "A"}}, priority: tasks.Bulk, want: ""},
		"everyone":             {limits: limits, to: everyone, priority: tasks.Bulk, want: `touser: token "builds" may not send to "@all" (to_all); name users, departments or tags`},
		"a priority":           {limits: limits, to: three, priority: tasks.Critical, want: `priority: critical, but token "builds" may only use bulk`},
		"the default priority": {limits: limits, to: three, want: `priority: default, but token "builds" may only use bulk`},
		"more recipients":      {limits: limits, to: three, priority: tasks.Bulk, want: `touser: 3 recipients, but a message of token "builds" may have 2 (max_recipients); split it`},
		"more than a day has": {
			limits: budget.Limits{RecipientsPerDay: 2}, to: three,
			want: `touser: 3 recipients, but token "builds" may reach 2 a day (recipients_per_day); split it over several`,
		},
		"everyone counts as one": {limits: budget.Limits{MaxRecipients: 1}, to: everyone, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := tc.limits.Permit("builds", tc.to, tc.priority); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
	if err := limits.PermitBroadcast("builds", 2); err != nil {
		t.Errorf("a broadcast to two: %v", err)
	}
	for _, other := range []budget.Limits{{MaxRecipients: 1}, {Priorities: []tasks.Priority{tasks.Critical}}} {
		if err := other.PermitBroadcast("builds", 2); err == nil {
			t.Errorf("a broadcast to two is within %+v", other)
		}
	}
}
