// Package worker takes messages from the queue and sends them: one lane per
// app, so that one app's trouble never touches another's. What becomes of a
// message is decided in one table, see outcome.go.
package worker
