package tasks

import "fmt"

// KeyReuseError is the error of a message, or broadcast, under the idempotency key of
// another one, which says something else or goes to others.
type KeyReuseError struct {
	ID string // of the first one
}

func (e *KeyReuseError) Error() string {
	return fmt.Sprintf("idempotency_key: it is that of %s, which says something else or goes to others; "+
		"send this one under a key of its own", e.ID)
}
