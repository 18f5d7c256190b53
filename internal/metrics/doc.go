// Package metrics is what a process tells Prometheus: its own counters, and what
// stands in Redis. docs/operations.md lists them. No user id is a label.
package metrics
