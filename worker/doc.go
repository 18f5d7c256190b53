// Package worker takes messages from the queue and sends them. Each app has a lane of
// its own, so that a problem of one app never affects another. One table decides what
// an answer of WeCom means for the message; see outcome.go.
package worker
