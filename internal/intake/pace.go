package intake

import "time"

// Pace is how fast a body has to arrive. Only the time counts in which the reader waits.
type Pace struct {
	Grace time.Duration // for the first byte, and for slow starts
	Rate  int64         // bytes a second after that; 0: none, Grace is all
	Most  time.Duration // for the whole body; 0: no limit
}

// The paces of bodies.
var (
	// Stranger is that of a body before its sender is authenticated.
	Stranger = Pace{Grace: 5 * time.Second}
	// Whole is that of a body that is kept in memory.
	Whole = Pace{Grace: 10 * time.Second, Rate: 1 << 10, Most: 30 * time.Second}
	// File is that of a file that is kept in memory.
	File = Pace{Grace: 10 * time.Second, Rate: 16 << 10, Most: 2 * time.Minute}
	// List is that of a list that is read as it comes.
	List = Pace{Grace: 30 * time.Second, Rate: 4 << 10}
	// Form is that of a form with a list: as List, but it has to end.
	Form = Pace{Grace: 30 * time.Second, Rate: 4 << 10, Most: 10 * time.Minute}
	// Line is that of one line of a stream, see [Stream.Restart].
	Line = Pace{Grace: 30 * time.Second}
)

// allows is how long the reader waits for the byte after the first n.
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
