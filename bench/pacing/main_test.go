package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes a copy of the test binary the `pacing` of the PATH: the benchmark
// starts itself for its baselines.
func TestMain(m *testing.M) {
	// The race detector delays the end of every process by a second.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"pacing": main})
}
