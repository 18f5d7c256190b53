// Package costtest measures what code takes of memory and processor.
package costtest

import (
	"runtime"
	"syscall"
	"time"
)

// Cost is what code took.
type Cost struct {
	// Bytes is all memory together that was allocated, whether it was given back or not.
	Bytes uint64
	// CPU is the time of processors, not that of the clock: other processes do not count.
	CPU time.Duration
}

// Of runs f, and is what it took. Everything else in the process counts, too: the test must
// not be parallel.
func Of(f func()) Cost {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := cpu()
	f()
	ended := cpu()
	runtime.ReadMemStats(&after)
	return Cost{Bytes: after.TotalAlloc - before.TotalAlloc, CPU: ended - began}
}

// cpu is the processor time of the process.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) //nolint:forbidigo // it needs no more than this process
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
