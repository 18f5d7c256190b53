// Package notify tells other programs, by HTTP, what became of messages.
//
// It follows the results that the ledger keeps anyway, from a place in Redis: so a message
// that ends costs nothing more, a process that dies at any moment loses no outcome, and a
// receiver that hangs keeps nothing back but its own notifications.
package notify
