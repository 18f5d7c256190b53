package webhook

import (
	"slices"
	"strings"
)

// Severity says how bad alerts are.
type Severity struct {
	Label string   // whose value is the severity
	Order []string // of its values, worst first; case does not matter, any other value comes last
}

// rank is 0 for the worst.
func (s Severity) rank(labels map[string]string) int {
	i := slices.IndexFunc(s.Order, func(name string) bool { return strings.EqualFold(name, labels[s.Label]) })
	if i < 0 {
		return len(s.Order)
	}
	return i
}

// name is the severity of a rank, empty for one that is not in the order.
func (s Severity) name(rank int) string {
	if rank < 0 || rank >= len(s.Order) {
		return ""
	}
	return s.Order[rank]
}

// color is how WeCom's markdown shows a rank: orange, but grey for the least of the
// order, and green for what is over.
func (s Severity) color(rank int, status Status) string {
	switch {
	case status == Resolved:
		return "info"
	case rank == len(s.Order)-1 && rank > 0:
		return "comment"
	default:
		return "warning"
	}
}
