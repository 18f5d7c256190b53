package main

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes a copy of the test binary the `wecomq` in PATH: scripts and end-to-end tests run real processes
// of this code, with the race detector and the coverage of the tests.
func TestMain(m *testing.M) {
	// The race detector delays the end of every process by a second.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	// Under nohup SIGHUP is ignored, and so it would be in the processes of the tests. A signal with a handler here
	// is not ignored there.
	if isTest := strings.HasSuffix(os.Args[0], ".test"); isTest && signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	testscript.Main(m, map[string]func(){"wecomq": main})
}
