// Package worker takes messages from the queue and sends them. Each app has its own lane, so that a problem
// of one app never affects another. A table in outcome.go decides what each answer of WeCom means for the
// message.
package worker
