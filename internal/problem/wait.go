package problem

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// WaitError says when to retry.
type WaitError struct {
	Err   error
	After time.Duration
}

// Error implements error.
func (w *WaitError) Error() string { return fmt.Sprintf("%v; try again in %s s", w.Err, w.Header()) }

// Unwrap returns the cause.
func (w *WaitError) Unwrap() error { return w.Err }

// Header is the value of Retry-After: whole seconds.
func (w *WaitError) Header() string { return strconv.Itoa(int(math.Ceil(w.After.Seconds()))) }
