// Package worker takes messages from the queue and sends them: one lane per
// app, so that a problem of one app never affects another. What becomes of a
// message is decided in one table, see outcome.go.
package worker
