package pages

import (
	"strconv"

	"github.com/wecomq/wecomq/internal/ledger"
)

// spark is the last hour of an app as a small chart: a bar a minute for its calls, and one for its
// failures below. Two paths are enough for it, whatever happened: the overview has hundreds.
type spark struct {
	Calls, Failed string // paths
	Most          int    // calls in the busiest minute
	Now           int    // calls in the last minute that has ended
	Sum           ledger.Minute
}

const (
	// sparkHeight is that of the calls, and half of that is below for the failures.
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

// sparkPath is a bar that begins at y and is as much of height as n of most is, at least one.
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
