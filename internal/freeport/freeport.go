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
	// lockDistance is from a port to that of its lock.
	lockDistance = 33_000
)

// No two tests of a process try the same port at once.
var (
	first = rand.Uint32N(ports) //nolint:gosec // nobody has to guess it
	given atomic.Uint32
)

// New returns a port of 127.0.0.1 where nobody listens, and which no test of another process gets before this one has ended.
func New(tb testing.TB) string {
	tb.Helper()
	var err error
	for range 100 {
		port := lowest + int((first+given.Add(1))%ports)
		if err = hold(tb, port); err == nil {
			return strconv.Itoa(port)
		}
	}
	tb.Fatal(err)
	return ""
}

// hold fails if somebody listens at a port, or another process holds it. A UDP port that belongs to it is the lock, because
// nobody else uses those numbers for long.
func hold(tb testing.TB, port int) error {
	tb.Helper()
	held, err := (&net.ListenConfig{}).ListenPacket(tb.Context(), "udp", "127.0.0.1:"+strconv.Itoa(lockDistance+port))
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(port))
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
