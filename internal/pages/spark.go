package pages

import (
	"strconv"

	"github.com/wecomq/wecomq/internal/ledger"
)

// spark is the last hour of an app as a small chart: a bar per minute for its calls, and one below for the
// failures. It always has two paths only, because the overview has hundreds of charts.
type spark struct {
	Calls, Failed string // paths
	Most          int    // calls in the busiest minute
	Now           int    // calls in the last complete minute
	Sum           ledger.Minute
}

const (
	// sparkHeight is the height of the calls; the failures below have half of it.
	sparkHeight = 20
	sparkBar    = 2 // a minute
)

func sparkOf(hour ledger.LastHour) spark {
	s := spark{Sum: hour.Sum(), Now: hour[len(hour)-2].Calls}
	mostFailed := 0
	for _, m := range hour {
		s.Most, mostFailed = max(s.Most, m.Calls), max(mostFailed, m.Failed)
	}
	for i, m := range hour {
		s.Calls += sparkPath(i, sparkHeight, -sparkHeight, m.Calls, s.Most)
		s.Failed += sparkPath(i, sparkHeight+1, sparkHeight/2, m.Failed, mostFailed)
	}
	return s
}

// sparkPath is a bar that begins at y and has the share n/most of height, at least one.
func sparkPath(minute, y, height, n, most int) string {
	if n == 0 {
		return ""
	}
	tall := height * n / most
	switch {
	case tall == 0 && height < 0:
		tall = -1
	case tall == 0:
		tall = 1
	}
	return "M" + strconv.Itoa(minute*sparkBar) + " " + strconv.Itoa(y) + "v" + strconv.Itoa(tall) + "h" + strconv.Itoa(sparkBar) +
		"v" + strconv.Itoa(-tall) + "z"
}
