// Package asynqx adds what asynq v0.26 lacks, without changing asynq: it accepts any redis.UniversalClient,
// and its own clients record, repair or delay asynq's calls. docs/asynq.md lists each problem and its
// solution.
package asynqx
