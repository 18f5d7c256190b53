// Package freeport finds ports for the servers of tests.
package freeport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// The ports lie below those that the kernel gives to outgoing connections (Linux from 32768, macOS from 49152): nobody
// takes one while its server is down.
const (
	lowest = 10_000
	ports  = 22_000
)

// No two tests of a process try the same port at once, and hardly two of several processes.
var (
	first = rand.Uint32N(ports) //nolint:gosec // nobody has to guess it
	given atomic.Uint32
)

// New returns a port of 127.0.0.1 where nobody listens.
func New(tb testing.TB) string {
	tb.Helper()
	var err error
	for range 100 {
		port := strconv.Itoa(lowest + int((first+given.Add(1))%ports))
		var listener net.Listener
		if listener, err = (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:"+port); err == nil {
			_ = listener.Close()
			return port
		}
	}
	tb.Fatal(err)
	return ""
}

// Address is 127.0.0.1 with such a port.
func Address(tb testing.TB) string {
	tb.Helper()
	return "127.0.0.1:" + New(tb)
}
