// Package alloctest measures what code allocates.
package alloctest

import "runtime"

// Bytes is how much memory f takes, all of it together, whether it is given back or not.
// Everything else in the process counts, too: the test must not be parallel.
func Bytes(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
