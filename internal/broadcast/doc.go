// Package broadcast stores broadcasts in Redis: one template, up to millions of recipients, and the outcome
// of each.
//
// A broadcast is stored once, its recipients in compressed blocks. A task of its own, the feeder, enqueues
// the next calls as messages, never many ahead, and the worker sends them like any other. When a call is
// finished, settle.lua of internal/ledger moves its outcome into the records of the broadcast, which are
//
//   - a bit for each call, so that no call is made again, whoever enqueues it,
//   - a list of outcomes for each block, for the report,
//   - a number of recipients for each state.
package broadcast
