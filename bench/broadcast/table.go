package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// printTable prints the results in Markdown.
func printTable(w io.Writer, s settings, results []result) {
	_, _ = fmt.Fprintf(w, `%d workers, calls of %s; %s/%s, %d processors, %s

| words | recipients | way | created in | sent in | calls | Redis at the peak | per recipient | alert p50 | alert p99 | alerts arrived | creator | worker | Redis |
|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
`, s.workers, latency, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	for _, r := range results {
		stored, reached := about(r.storedPartly), about(r.reachedPartly)
		_, _ = fmt.Fprintf(w, "| %s | %d | %s | %s%s | %s%s | %s%d | %s%s | %d B | %s | %s | %d of %d | %s | %s | %s%s |\n",
			r.words, r.recipients, r.way, stored, duration(r.created), reached, duration(r.sent), reached, r.calls,
			stored, megabytes(r.redis), r.redis/int64(r.recipients),
			r.latency.Text(.5, grace), r.latency.Text(.99, grace), len(r.latency.Arrived), r.latency.Given,
			megabytes(r.memory.creator), megabytes(r.memory.worker), stored, megabytes(r.memory.redis))
	}
}

// about marks extrapolated values.
func about(partly bool) string {
	if partly {
		return "≈ "
	}
	return ""
}

func duration(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	default:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
}

// megabytes is "–" for an unknown value.
func megabytes(bytes int64) string {
	if bytes == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}
