// Package metrics exports a process's counters to Prometheus, and what is kept in
// Redis. docs/operations.md lists them. No user id is a label.
package metrics
