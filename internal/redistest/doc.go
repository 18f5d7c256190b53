// Package redistest gives every test a Redis of its own: a redis-server process on a unix socket, without a TCP
// port and, unless requested, without a file on disk. It starts in some milliseconds, so tests share nothing and
// run in parallel.
//
// Without a redis-server binary New falls back to the embedded Redis and Start skips the test; both fail if the
// environment sets CI, so that CI tests the real thing.
package redistest
