// Package pacing keeps an app within WeCom's limits: its calls per minute, each
// member's messages per minute and hour, the day quota, and the rest that WeCom
// asks for with 45009. All workers on all hosts share one budget in Redis, and a
// message asks for its share and writes down its attempt in one round trip.
//
// docs/semantics.md says what is promised; docs/decisions/007 why it is built so.
package pacing
