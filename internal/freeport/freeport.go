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

// No two tests of a process try the same port at once.
var (
	first = rand.Uint32N(ports) //nolint:gosec // nobody has to guess it
	given atomic.Uint32
)

// New returns a port of 127.0.0.1 where nobody listens, and which no other test gets before this one has ended: until then
// its number is taken in UDP, which nobody else uses, so that tests of other processes see it.
func New(tb testing.TB) string {
	tb.Helper()
	var err error
	for range 100 {
		port := strconv.Itoa(lowest + int((first+given.Add(1))%ports))
		if err = hold(tb, "127.0.0.1:"+port); err == nil {
			return port
		}
	}
	tb.Fatal(err)
	return ""
}

func hold(tb testing.TB, address string) error {
	tb.Helper()
	held, err := (&net.ListenConfig{}).ListenPacket(tb.Context(), "udp", address)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", address)
	if err != nil {
		_ = held.Close()
		return err
	}
	tb.Cleanup(func() { _ = held.Close() })
	return listener.Close()
}

// Address is 127.0.0.1 with such a port.
func Address(tb testing.TB) string {
	tb.Helper()
	return "127.0.0.1:" + New(tb)
}
