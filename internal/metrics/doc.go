// Package metrics exports the counters of a process, and the state kept in Redis, to
// Prometheus. docs/operations.md lists all metrics. No user id is a label.
package metrics
