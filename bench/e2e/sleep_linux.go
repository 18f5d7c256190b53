package main

import (
	"syscall"
	"time"
)

// sleep is more precise than time.Sleep, which takes at least a millisecond on an idle system.
func sleep(d time.Duration) {
	if d > 0 {
		left := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&left, nil) // a signal may end it early
	}
}
