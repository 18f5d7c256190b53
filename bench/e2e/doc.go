// Command e2e measures how many messages a second one worker process delivers, from a full queue to WeCom, and
// the cost of each, compared with programs that do less.
//
// Everything is real: a redis-server, an HTTP server in WeCom's place and a worker process, started for each run
// and stopped after it. docs/benchmarks.md explains what is measured and shows results.
package main
