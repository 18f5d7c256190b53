package main

import (
	"runtime"
	"sync"
	"testing"
)

// turns limits the tests that run processes concurrently: more would only slow each other down, while waiting
// tests cost nothing.
var turns = make(chan struct{}, 2*runtime.NumCPU())

// turnOf has the tests whose turn it is.
var turnOf sync.Map

// takeTurn waits until a test may run processes. The turn lasts until the test ends; further calls do nothing.
func takeTurn(tb testing.TB) {
	tb.Helper()
	if _, has := turnOf.LoadOrStore(tb, true); has {
		return
	}
	turns <- struct{}{}
	tb.Cleanup(func() {
		turnOf.Delete(tb)
		<-turns
	})
}
