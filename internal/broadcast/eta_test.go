package broadcast_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
)

func TestTheEndKnowsRateHoursAndQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 17, 0, 0, 0, broadcast.ChinaTime)
	at := func(day, hour, minute int) time.Time {
		return time.Date(2026, 11, day, hour, minute, 0, 0, broadcast.ChinaTime)
	}
	hours := func(text string) broadcast.Hours {
		h, err := broadcast.ParseHours(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	unlimited := broadcast.Pace{CallsPerMinute: 10, DayQuota: -1}
	for name, tc := range map[string]struct {
		spec broadcast.Spec
		pace broadcast.Pace
		want time.Time
	}{
		"the app's rate":              {broadcast.Spec{}, unlimited, at(28, 17, 10)},
		"a rate of its own":           {broadcast.Spec{Rate: 1000}, unlimited, at(28, 18, 40)},
		"it begins later":             {broadcast.Spec{At: at(29, 8, 0)}, unlimited, at(29, 8, 10)},
		"hours that end before it":    {broadcast.Spec{Rate: 1000, Between: hours("09:00-18:00")}, unlimited, at(29, 9, 40)},
		"hours that have not begun":   {broadcast.Spec{Between: hours("20:00-06:00")}, unlimited, at(28, 20, 10)},
		"a quota of two days":         {broadcast.Spec{}, broadcast.Pace{CallsPerMinute: 10, DayQuota: 60_000}, at(29, 0, 4).Add(10 * time.Second)},
		"quota that is used already":  {broadcast.Spec{}, broadcast.Pace{CallsPerMinute: 10, DayQuota: 100_000, Used: 100_000}, at(29, 0, 10).Add(10 * time.Second)},
		"hours and a quota":           {broadcast.Spec{Between: hours("09:00-18:00")}, broadcast.Pace{CallsPerMinute: 10, DayQuota: 60_000}, at(29, 9, 4)},
		"a quota of nothing: unknown": {broadcast.Spec{}, broadcast.Pace{CallsPerMinute: 10}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &broadcast.Broadcast{Spec: tc.spec, State: broadcast.Running, Recipients: 100_000, Calls: 100, Counts: broadcast.Counts{Pending: 100_000}}
			if got := b.ETA(now, tc.pace); !got.Equal(tc.want) {
				t.Errorf("ends at %s, want %s", got, tc.want)
			}
		})
	}
}

func TestHours(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "9-18", "09:00-25:00", "09:60-10:00", "10:00-10:00", "09:00-18:00x", "09:00 - 18:00", "-1:00-02:00"} {
		if h, err := broadcast.ParseHours(wrong, nil); err == nil {
			t.Errorf("%q is read as %s", wrong, h)
		}
	}
	night, err := broadcast.ParseHours("22:00-06:00", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	text, err := night.MarshalText()
	var back broadcast.Hours
	if err != nil || back.UnmarshalText(text) != nil || back.String() != "22:00-06:00" {
		t.Errorf("written as %q, read back as %s, %v", text, back, err)
	}
	closes, opens := night.Now(time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC); !closes.Equal(want) || !opens.IsZero() {
		t.Errorf("at 3: closes %s, opens %s", closes, opens)
	}
	closes, opens = night.Now(time.Date(2026, 11, 28, 6, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 28, 22, 0, 0, 0, time.UTC); !opens.Equal(want) || !closes.IsZero() {
		t.Errorf("at 6: closes %s, opens %s", closes, opens)
	}
}
