// Command pacing measures how well wecomq keeps to WeCom's limit of calls a minute while a backlog waits at it,
// compared with two usual ways to do the same with asynq.
//
// Everything is real: a redis-server, a `wecomq simulate` and any number of worker processes, started for each
// trial and stopped after it. docs/benchmarks.md explains what is measured and shows results.
package main
