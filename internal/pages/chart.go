package pages

import (
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
)

const (
	// maxBars is how many bars a chart has at most.
	maxBars = 60
	// chartWidth and chartHeight are its size, in its own units.
	chartWidth, chartHeight = 600, 120
	maxBarWidth             = 24
)

// chart shows when a broadcast's calls ended.
type chart struct {
	Bars     []bar
	Most     int // calls of the highest bar
	Minutes  int // of a bar
	From, To time.Time
	Calls    int
	Failed   int // of these calls
}

// bar is the calls of some minutes: failed ones are stacked on the others.
type bar struct {
	At               time.Time
	Accepted, Failed int

	X, Width, FailedY, AcceptedY, FailedHeight, AcceptedHeight float64
}

func chartOf(minutes []broadcast.Minute) chart {
	if len(minutes) == 0 {
		return chart{}
	}
	first, last := minutes[0].At, minutes[len(minutes)-1].At
	all := int(last.Sub(first)/time.Minute) + 1
	c := chart{Minutes: (all + maxBars - 1) / maxBars, From: first, To: last.Add(time.Minute)}
	c.Bars = make([]bar, (all+c.Minutes-1)/c.Minutes)
	for _, m := range minutes {
		b := &c.Bars[int(m.At.Sub(first)/time.Minute)/c.Minutes]
		b.Accepted += m.Accepted
		b.Failed += m.Failed
		c.Most = max(c.Most, b.Accepted+b.Failed)
		c.Calls += m.Accepted + m.Failed
		c.Failed += m.Failed
	}
	c.layOut()
	return c
}

// layOut positions the bars.
func (c *chart) layOut() {
	width := float64(chartWidth) / float64(len(c.Bars))
	unit := float64(chartHeight) / float64(max(c.Most, 1))
	for i := range c.Bars {
		b := &c.Bars[i]
		b.At = c.From.Add(time.Duration(i*c.Minutes) * time.Minute)
		b.X, b.Width = float64(i)*width, min(width*0.85, maxBarWidth)
		b.AcceptedHeight, b.FailedHeight = float64(b.Accepted)*unit, float64(b.Failed)*unit
		b.AcceptedY = chartHeight - b.AcceptedHeight
		b.FailedY = b.AcceptedY - b.FailedHeight
	}
}

// callsPerMinute is the recent number of calls that ended per minute: in this minute and the one before it.
func callsPerMinute(minutes []broadcast.Minute, started, now time.Time) int {
	since, calls := now.Truncate(time.Minute).Add(-time.Minute), 0
	for _, m := range minutes {
		if !m.At.Before(since) {
			calls += m.Accepted + m.Failed
		}
	}
	if started.After(since) {
		since = started
	}
	return int(float64(calls) / max(now.Sub(since).Minutes(), 1.0/60))
}
