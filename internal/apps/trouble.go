package apps

import "cmp"

// CompareTrouble sorts stuck apps first, then those with inconsistent records. Of the stuck ones, the app
// whose messages wait longest comes first, and those without waiting messages last.
func CompareTrouble(a, b Status) int {
	if by := cmp.Compare(a.trouble(), b.trouble()); by != 0 || a.trouble() != waits {
		return by
	}
	return cmp.Or(a.WaitingSince.Compare(b.WaitingSince), cmp.Compare(b.waiting(), a.waiting()))
}

// trouble is the severity of an app's problem, the worst first.
type trouble int

const (
	waits   trouble = iota // it is stuck, and messages wait
	stuck                  // it is stuck
	unequal                // its messages are inconsistent
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

// Imbalance is how many messages were inconsistent at the last audit.
func (s Status) Imbalance() int {
	if s.Audit == nil {
		return 0
	}
	return s.Audit.Imbalance
}
