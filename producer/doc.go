// Package producer puts messages into the queue: one with [Producer.Send], or
// thousands in a round trip each thousand with [Producer.SendBatch]. A message
// is checked before it is enqueued, and is in Redis when the call returns.
package producer
