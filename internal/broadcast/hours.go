package broadcast

import (
	"fmt"
	"time"
)

// Hours are the hours of the day in which a broadcast runs, such as 09:00 to 18:00. From after To spans
// midnight. The zero value is the whole day.
type Hours struct {
	From, To time.Duration  // since midnight
	Zone     *time.Location // nil for China's
}

// ChinaTime is WeCom's time zone.
var ChinaTime = time.FixedZone("Asia/Shanghai", 8*60*60)

const day = 24 * time.Hour

// ParseHours reads "09:00-18:00".
func ParseHours(text string, zone *time.Location) (Hours, error) {
	var from, to clock
	if n, err := fmt.Sscanf(text+"\n", "%2d:%2d-%2d:%2d\n", &from.hour, &from.minute, &to.hour, &to.minute); n != 4 || err != nil {
		return Hours{}, fmt.Errorf("hours: %q is not like 09:00-18:00", text)
	}
	h := Hours{from.since(), to.since(), zone}
	if !from.valid() || !to.valid() || h.From == h.To {
		return Hours{}, fmt.Errorf("hours: %q is not within 00:00 and 24:00", text)
	}
	return h, nil
}

type clock struct{ hour, minute int }

func (c clock) since() time.Duration {
	return time.Duration(c.hour)*time.Hour + time.Duration(c.minute)*time.Minute
}

func (c clock) valid() bool {
	return c.hour >= 0 && c.minute >= 0 && c.minute < 60 && c.since() <= day
}

// Validate checks hours that were not parsed.
func (h Hours) Validate() error {
	if h.From < 0 || h.To < 0 || h.From > day || h.To > day {
		return fmt.Errorf("hours: %s to %s is not within a day", h.From, h.To)
	}
	return nil
}

// IsZero reports whether h is the whole day.
func (h Hours) IsZero() bool { return h.From == h.To }

// String is "09:00-18:00".
func (h Hours) String() string {
	if h.IsZero() {
		return ""
	}
	return clockText(h.From) + "-" + clockText(h.To)
}

func clockText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", d/time.Hour, d%time.Hour/time.Minute)
}

// Now returns when the current hours end or, outside of hours, when the next begin; zero for never.
func (h Hours) Now(now time.Time) (closes, opens time.Time) {
	if h.IsZero() {
		return time.Time{}, time.Time{}
	}
	for days := -1; days <= 1; days++ { // hours that began yesterday may still last
		from, to := h.on(now, days)
		switch {
		case now.Before(from):
			return time.Time{}, from
		case now.Before(to):
			return to, time.Time{}
		}
	}
	from, _ := h.on(now, 2)
	return time.Time{}, from
}

// next is the next span of hours at or after now; a whole day ends a day from now.
func (h Hours) next(now time.Time) (from, until time.Time) {
	closes, opens := h.Now(now)
	switch {
	case h.IsZero():
		return now, now.Add(day)
	case opens.IsZero():
		return now, closes
	default:
		closes, _ = h.Now(opens)
		return opens, closes
	}
}

// on is the span of hours that begins on a day, counted from today.
func (h Hours) on(now time.Time, days int) (from, to time.Time) {
	zone := h.zone()
	year, month, date := now.In(zone).Date()
	at := func(date int, since time.Duration) time.Time {
		return time.Date(year, month, date, int(since/time.Hour), int(since%time.Hour/time.Minute), 0, 0, zone)
	}
	from, to = at(date+days, h.From), at(date+days, h.To)
	if h.To < h.From {
		to = at(date+days+1, h.To)
	}
	return from, to
}

func (h Hours) zone() *time.Location {
	if h.Zone == nil {
		return ChinaTime
	}
	return h.Zone
}

// MarshalText writes "09:00-18:00 Asia/Shanghai".
func (h Hours) MarshalText() ([]byte, error) {
	return []byte(h.String() + " " + h.zone().String()), nil
}

// UnmarshalText reads the output of MarshalText.
func (h *Hours) UnmarshalText(text []byte) error {
	if len(text) == 0 || text[0] == ' ' {
		*h = Hours{}
		return nil
	}
	var span, name string
	if _, err := fmt.Sscan(string(text), &span, &name); err != nil {
		return fmt.Errorf("hours: %q: %w", text, err)
	}
	zone := ChinaTime
	if name != zone.String() {
		var err error
		if zone, err = time.LoadLocation(name); err != nil {
			return fmt.Errorf("hours: %w", err)
		}
	}
	var err error
	*h, err = ParseHours(span, zone)
	return err
}
