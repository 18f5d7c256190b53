package tasks

import "fmt"

// KeyReuseError reports that the idempotency key belongs to a message or broadcast with other content or
// other recipients.
type KeyReuseError struct {
	ID string // of the first one
}

func (e *KeyReuseError) Error() string {
	return fmt.Sprintf("idempotency_key: already used for %s, which has other content or recipients; "+
		"send this one under a key of its own", e.ID)
}
