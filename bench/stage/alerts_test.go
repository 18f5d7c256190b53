package stage_test

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

func TestPercentilesCountAlertsThatDidNotArrive(t *testing.T) {
	t.Parallel()
	start := time.Now()
	given, arrivedAt := stage.Alerts{}, map[string]time.Time{"bulk-1": start}
	for i, user := range []string{"a", "b", "c", "d"} {
		given[user] = start
		arrivedAt[user] = start.Add(time.Duration(4-i) * time.Second)
	}
	given["e"], given["f"] = start, start
	l := given.Latencies(arrivedAt)
	if d, ok := l.Percentile(.5); !ok || d != 4*time.Second {
		t.Errorf("the median is %s, %t; want that of the fourth of six", d, ok)
	}
	if _, ok := l.Percentile(.99); ok || l.Missing() != 2 {
		t.Errorf("%d are missing, want 2 and no 99th percentile", l.Missing())
	}
}
