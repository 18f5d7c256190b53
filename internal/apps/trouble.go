package apps

import "cmp"

// CompareTrouble puts apps first that are stuck, and then those whose books are out of balance. Of those
// that are stuck the one whose messages wait longest comes first, and those where nothing waits last.
func CompareTrouble(a, b Status) int {
	if by := cmp.Compare(a.trouble(), b.trouble()); by != 0 || a.trouble() != waits {
		return by
	}
	return cmp.Or(a.WaitingSince.Compare(b.WaitingSince), cmp.Compare(b.waiting(), a.waiting()))
}

// trouble is what is wrong with an app, the worst first.
type trouble int

const (
	waits   trouble = iota // it is stuck, and messages wait
	stuck                  // it is stuck
	unequal                // its books are out of balance
	none
)

func (s *Status) trouble() trouble {
	switch {
	case len(s.Stuck) > 0 && !s.WaitingSince.IsZero():
		return waits
	case len(s.Stuck) > 0:
		return stuck
	case s.Imbalance() > 0:
		return unequal
	}
	return none
}

// Imbalance is how many messages were out of balance at the last audit.
func (s Status) Imbalance() int {
	if s.Audit == nil {
		return 0
	}
	return s.Audit.Imbalance
}
