package main

import (
	"runtime"
	"sync"
	"testing"
)

// turns bounds the tests that run processes at once: more would only slow each other
// down, while the tests that wait cost nothing.
var turns = make(chan struct{}, 2*runtime.NumCPU())

// turnOf knows the tests that have their turn.
var turnOf sync.Map

// takeTurn waits until a test may run processes. It has its turn until it ends; asking
// again does nothing.
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
