// Package producer enqueues messages: one with [Producer.Send], or any number with [Producer.SendBatch], a
// thousand per round trip. A message is validated before it is enqueued, and is in Redis when the call
// returns.
package producer
