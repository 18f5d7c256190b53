package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"time"
)

// printTable prints the results in Markdown.
func printTable(w io.Writer, s settings, results []result) {
	_, _ = fmt.Fprintf(w, `%d calls a minute allowed, a backlog of %d, %s measured; %s/%s, %d processors, %s

| way | workers | rate used | most in 60 s | 45009 | dequeues per message | alert p50 | alert p99 | alerts arrived | Redis commands/s | Redis CPU |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`, s.limit, s.backlog, s.duration, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, r := range results {
		_, _ = fmt.Fprintf(w, "| %s | %d | %.1f %% | %d | %d | %s | %s | %s | %d of %d | %.0f | %.0f %% |\n",
			r.way, r.workers, 100*r.used, r.most, r.refused, perMessage(r.dequeues),
			r.percentile(.5, s.grace), r.percentile(.99, s.grace), len(r.latency.arrived), r.latency.given,
			r.load.commands, 100*r.load.cpu)
	}
}

// perMessage is "–" when nothing was sent.
func perMessage(n float64) string {
	if math.IsInf(n, 0) || math.IsNaN(n) {
		return "–"
	}
	return fmt.Sprintf("%.2f", n)
}

// percentile is a time, or what is known of one that did not end: every alert has
// waited for the grace at least.
func (r result) percentile(share float64, grace time.Duration) string {
	d, ok := r.latency.percentile(share)
	switch {
	case r.latency.given == 0:
		return "–"
	case !ok:
		return "> " + grace.String()
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}
