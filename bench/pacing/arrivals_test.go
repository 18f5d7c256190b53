package main

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// arrivalsAt makes messages that arrived these numbers of seconds after the start.
func arrivalsAt(start time.Time, seconds ...int) arrivals {
	var all arrivals
	for _, s := range seconds {
		all = append(all, wecomtest.Message{At: start.Add(time.Duration(s) * time.Second)})
	}
	return all
}

func TestMostLooksAtEveryWindow(t *testing.T) {
	t.Parallel()
	start := time.Now()
	for name, test := range map[string]struct {
		at   []int
		want int
	}{
		"nothing arrived":                     {nil, 0},
		"one is one":                          {[]int{5}, 1},
		"a minute apart is not within one":    {[]int{0, 60, 120}, 1},
		"a window may begin anywhere":         {[]int{0, 50, 59, 70, 109}, 4},
		"the fullest may be the first":        {[]int{0, 1, 2, 100, 101}, 3},
		"at the same moment is in one window": {[]int{7, 7, 7}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := arrivalsAt(start, test.at...).most(time.Minute); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestNoWindowHoldsMoreThanTheMost(t *testing.T) {
	t.Parallel()
	start := time.Now()
	rapid.Check(t, func(t *rapid.T) {
		gaps := rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "gaps")
		at := make([]int, len(gaps))
		for i := range gaps {
			at[i] = gaps[i]
			if i > 0 {
				at[i] += at[i-1]
			}
		}
		all, reached := arrivalsAt(start, at...), 0
		for _, m := range all {
			reached = max(reached, all.within(m.At, m.At.Add(time.Minute)))
		}
		if most := all.most(time.Minute); most != reached {
			t.Fatalf("%d, want %d", most, reached)
		}
	})
}
