// Package asynqx adds to asynq v0.26 what it lacks, from outside: asynq takes
// any redis.UniversalClient, and the clients here record, repair or slow down
// what passes through. See docs/architecture.md for each trap and its measure.
package asynqx
