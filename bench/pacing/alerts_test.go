package main

import (
	"testing"
	"time"
)

func TestPercentilesCountAlertsThatDidNotArrive(t *testing.T) {
	t.Parallel()
	start := time.Now()
	given, arrivedAt := alerts{}, map[string]time.Time{"bulk-1": start}
	for i, user := range []string{"a", "b", "c", "d"} {
		given[user] = start
		arrivedAt[user] = start.Add(time.Duration(4-i) * time.Second)
	}
	given["e"], given["f"] = start, start
	l := given.latencies(arrivedAt)
	if d, ok := l.percentile(.5); !ok || d != 4*time.Second {
		t.Errorf("the median is %s, %t; want that of the fourth of six", d, ok)
	}
	if _, ok := l.percentile(.99); ok || l.missing() != 2 {
		t.Errorf("%d are missing, want 2 and no 99th percentile", l.missing())
	}
}
