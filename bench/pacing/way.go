package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// way is a way to apply the limit.
type way struct {
	name  string
	about string
	// pattern and delayedPoll are those of the baseline's workers; "" is wecomq.
	pattern     string
	delayedPoll time.Duration
}

// The patterns of the baselines.
const (
	deny    = "deny"    // a limiter in each process; over it, the task goes back to the queue
	reserve = "reserve" // a limiter in Redis assigns each message its time; the handler sleeps
)

var ways = []way{
	{name: "wecomq", about: "wecomq worker"},
	{name: "asynq", about: "asynq's documented pattern: a limiter per process, an error when over the limit", pattern: deny},
	{name: "asynq-1s", about: "the same, with DelayedTaskCheckInterval 1s instead of 5s", pattern: deny, delayedPoll: time.Second},
	{name: "reserve", about: "a global limiter gives each message its moment, its handler sleeps until then", pattern: reserve},
}

func joinWays() string {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.name
	}
	return strings.Join(names, ",")
}

func describeWays() string {
	var text strings.Builder
	for _, w := range ways {
		_, _ = fmt.Fprintf(&text, "  %-9s %s\n", w.name, w.about)
	}
	return text.String()
}

func readWays(list string) ([]way, error) {
	var chosen []way
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(ways, func(w way) bool { return w.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("-ways: %q is not one of %s", name, joinWays())
		}
		chosen = append(chosen, ways[i])
	}
	return chosen, nil
}
