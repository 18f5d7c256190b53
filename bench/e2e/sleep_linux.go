package main

import (
	"syscall"
	"time"
)

// sleep is more exact than time.Sleep, which takes a millisecond at least where nothing else
// is to be done.
func sleep(d time.Duration) {
	if d > 0 {
		left := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&left, nil) // a signal may end it early
	}
}
