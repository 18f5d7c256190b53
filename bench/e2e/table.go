package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// printTable prints the median of the runs of each way.
func printTable(w io.Writer, s settings, results map[string][]result) {
	var all []result
	for _, runs := range results {
		all = append(all, runs...)
	}
	_, _ = fmt.Fprintf(w, "%d messages, %d calls in flight, %.2f ms to Redis and back, median of %d runs; %s/%s, %d processors, %s\n\n",
		s.messages, s.concurrency, ms(median(all, func(r result) time.Duration { return r.ping })), s.runs, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	_, _ = fmt.Fprintln(w, "| way | messages/s | of asynq | CPU of the worker | CPU of Redis | scripts | commands |")
	_, _ = fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|")
	base := median(results[wayAsynq], func(r result) float64 { return r.rate })
	for _, way := range s.ways {
		runs := results[way]
		if len(runs) == 0 {
			continue
		}
		rate := median(runs, func(r result) float64 { return r.rate })
		_, _ = fmt.Fprintf(w, "| %s | %.0f | %s | %.3f ms | %.3f ms | %.2f | %.1f |\n", way, rate, ratio(rate, base),
			ms(median(runs, func(r result) time.Duration { return r.workerCPU })), ms(median(runs, func(r result) time.Duration { return r.redisCPU })),
			median(runs, func(r result) float64 { return r.calls }), median(runs, func(r result) float64 { return r.commands }))
	}
	_, _ = fmt.Fprintln(w)
}

func ratio(rate, base float64) string {
	if base == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", rate/base)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median is the middle value, 0 if there are none.
func median[T cmp.Ordered](runs []result, of func(result) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	if len(values) == 0 {
		var none T
		return none
	}
	return values[len(values)/2]
}
