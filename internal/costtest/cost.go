// Package costtest measures the memory and CPU time of code.
package costtest

import (
	"runtime"
	"syscall"
	"time"
)

// Cost is the cost of running code.
type Cost struct {
	// Bytes is the total memory allocated, freed or not.
	Bytes uint64
	// CPU is processor time, not elapsed time: other processes do not count.
	CPU time.Duration
}

// Of runs f and returns its cost. The rest of the process counts, too: the test must not be parallel.
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
