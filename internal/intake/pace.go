package intake

import "time"

// Pace is how fast a body has to arrive. Only time that the reader spends waiting counts.
type Pace struct {
	Grace time.Duration // for the first byte, and for slow starts
	Rate  int64         // bytes a second after that; 0: Grace is for the whole body
	Most  time.Duration // for the whole body; 0: no limit
}

// The paces of bodies.
var (
	// Stranger is for a body before its sender is authenticated.
	Stranger = Pace{Grace: 5 * time.Second}
	// Whole is for a body that is kept in memory.
	Whole = Pace{Grace: 10 * time.Second, Rate: 1 << 10, Most: 30 * time.Second}
	// File is for a file that is kept in memory.
	File = Pace{Grace: 10 * time.Second, Rate: 16 << 10, Most: 2 * time.Minute}
	// List is for a list that is processed while it arrives.
	List = Pace{Grace: 30 * time.Second, Rate: 4 << 10}
	// Form is for a form with a list: like List, but with a limit.
	Form = Pace{Grace: 30 * time.Second, Rate: 4 << 10, Most: 10 * time.Minute}
	// Line is for one line of a stream, see [Stream.Restart].
	Line = Pace{Grace: 30 * time.Second}
)

// allows is how long the reader may wait for the byte after the first n.
func (p Pace) allows(n int64) time.Duration {
	wait := p.Grace
	if p.Rate > 0 {
		wait += time.Duration(n) * time.Second / time.Duration(p.Rate)
	}
	if p.Most > 0 {
		wait = min(wait, p.Most)
	}
	return wait
}
