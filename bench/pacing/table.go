package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
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
			r.latency.Text(.5, s.grace), r.latency.Text(.99, s.grace), len(r.latency.Arrived), r.latency.Given,
			r.load.commands, 100*r.load.cpu)
	}
}

// perMessage is "–" if nothing was sent.
func perMessage(n float64) string {
	if math.IsInf(n, 0) || math.IsNaN(n) {
		return "–"
	}
	return fmt.Sprintf("%.2f", n)
}
