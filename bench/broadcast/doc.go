// Command broadcast measures the cost of a broadcast to many recipients: time, calls, memory, and how long
// alerts wait meanwhile, compared with the usual way, one asynq task per recipient.
//
// Everything is real: a redis-server, a `wecomq simulate`, the worker processes and the process that creates the
// broadcast, started for each trial and stopped after it. docs/benchmarks.md explains what is measured and shows
// results.
package main
