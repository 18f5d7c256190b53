package pages

import "github.com/wecomq/wecomq/internal/broadcast"

// segment is a part of a progress bar, in percent of its width.
type segment struct {
	State      string
	Recipients int
	X, Width   float64
}

// progress is a broadcast's bar: the recipients in each state, waiting ones last.
func progress(b *broadcast.Broadcast) []segment {
	c := b.Counts
	segments := []segment{
		{State: "accepted", Recipients: c.Accepted},
		{State: "invalid", Recipients: c.Invalid},
		{State: "unlicensed", Recipients: c.Unlicensed},
		{State: "rejected", Recipients: c.Rejected},
		{State: "unknown", Recipients: c.Unknown},
		{State: "expired", Recipients: c.Expired},
		{State: "cancelled", Recipients: c.Cancelled},
		{State: "pending", Recipients: c.Pending},
	}
	x, shown := 0.0, segments[:0]
	for _, s := range segments {
		if s.Recipients == 0 {
			continue
		}
		s.X, s.Width = x, 100*float64(s.Recipients)/float64(max(b.Recipients, 1))
		x += s.Width
		shown = append(shown, s)
	}
	return shown
}
