// Package pacing keeps an app within WeCom's limits: its calls per minute, each member's messages per minute and
// hour, the day quota, and the block that follows 45009. All workers on all hosts share one budget in Redis; one
// round trip takes a message's share and records its attempt.
//
// docs/semantics.md states what is promised; docs/decisions/007 explains the design.
package pacing
