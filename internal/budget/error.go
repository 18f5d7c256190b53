package budget

import (
	"errors"
	"fmt"
	"time"
)

// IsLimit reports whether an error means that the limits of a token do not allow a message.
func IsLimit(err error) bool {
	return errors.As(err, new(*SpentError)) || errors.As(err, new(*ForbiddenError))
}

// ForbiddenError is a message that a token may never send.
type ForbiddenError struct {
	Limit string // its name in the config
	Field string // of the message
	Text  string // what is wrong with it, and what to do
}

// Error names the field.
func (e *ForbiddenError) Error() string { return e.Field + ": " + e.Text }

// SpentError is a message that does not fit in a token's budget at present.
type SpentError struct {
	Token string
	Limit string        // its name in the config
	Max   int           // what the token may use
	Left  int           // what it may still use: less than the message needs
	Needs int           // what the message needs
	After time.Duration // when it may use all of Max again
}

// Error has the limit, what is left of it, and when it is free again.
func (e *SpentError) Error() string {
	may := "send %d messages a minute"
	if e.Limit == RecipientsPerDay {
		may = "reach %d recipients a day"
	}
	return fmt.Sprintf("token %q may "+may+" (%s): %d left, and this needs %d; all again in %s",
		e.Token, e.Max, e.Limit, e.Left, e.Needs, e.Wait())
}

// Wait is After in whole seconds, rounded up.
func (e *SpentError) Wait() time.Duration {
	return (e.After + time.Second - 1).Truncate(time.Second)
}
