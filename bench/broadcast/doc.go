// Command broadcast measures what a broadcast to many recipients takes: time, calls,
// memory, and how long alerts wait meanwhile, beside the usual way, one asynq task per
// recipient.
//
// Everything is real: a redis-server, a `wecomq simulate`, the worker processes and the
// process that creates the broadcast, started for each trial and ended with it.
// docs/benchmarks.md explains what is measured and shows results.
package main
