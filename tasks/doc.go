// Package tasks defines the tasks in the queue: one asynq task per message and msgtype, the names of queues
// and types, and the encoding of the payload. Producers encode and workers decode it; their versions may
// differ.
package tasks
