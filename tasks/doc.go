// Package tasks defines what travels through the queue: one asynq task per
// message and msgtype, the names of queues and types, and the codec of the
// payload. Producers encode, workers decode; both may be of different versions.
package tasks
