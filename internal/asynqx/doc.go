// Package asynqx adds what asynq v0.26 lacks, without changing asynq: it accepts any
// redis.UniversalClient, and the clients here record, repair or slow down its calls.
// docs/asynq.md lists each problem and its solution.
package asynqx
