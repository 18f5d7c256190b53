package webhook

import (
	"slices"
	"strings"
)

// Severity configures the severities of alerts.
type Severity struct {
	Label string   // whose value is the severity
	Order []string // of its values, worst first, regardless of case; any other value comes last
}

// rank is the position in the order, 0 for the worst.
func (s Severity) rank(labels map[string]string) int {
	i := slices.IndexFunc(s.Order, func(name string) bool { return strings.EqualFold(name, labels[s.Label]) })
	if i < 0 {
		return len(s.Order)
	}
	return i
}

// mildest reports whether a rank is the last of several in the order.
func (s Severity) mildest(rank int) bool { return rank == len(s.Order)-1 && rank > 0 }

// name is the severity of a rank, empty for a rank beyond the order.
func (s Severity) name(rank int) string {
	if rank < 0 || rank >= len(s.Order) {
		return ""
	}
	return s.Order[rank]
}

// color is the color of a rank in WeCom's markdown: orange, grey for the last of the
// order, and green for resolved alerts.
func (s Severity) color(rank int, status Status) string {
	switch {
	case status == Resolved:
		return "info"
	case s.mildest(rank):
		return "comment"
	default:
		return "warning"
	}
}
