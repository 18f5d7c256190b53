// Package notify notifies other programs, by HTTP, of the outcomes of messages.
//
// It reads the stream of results that the ledger keeps anyway, from a position stored in Redis: so it adds
// nothing to the cost of a message, a process that dies at any moment loses no outcome, and a receiver that
// hangs delays only its own notifications.
package notify
