package submission

import (
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
)

// Tally counts the outcomes of lines.
type Tally struct {
	Started time.Time

	enqueued, duplicates  int
	badLines, unconfirmed int
}

// Add counts a line.
func (t *Tally) Add(o Outcome) {
	_, unavailable := errors.AsType[*asynqx.RedisError](o.Err)
	switch {
	case unavailable:
		t.unconfirmed++
	case o.Err != nil:
		t.badLines++
	default:
		t.enqueued++
		if o.Receipt.Duplicate {
			t.duplicates++
		}
	}
}

func (t *Tally) String() string {
	s := fmt.Sprintf("%d enqueued in %s", t.enqueued, time.Since(t.Started).Round(time.Millisecond))
	if t.duplicates > 0 {
		s += fmt.Sprintf(", %d of them were there already", t.duplicates)
	}
	return s
}

// Err is a [*FaultError] if only lines were invalid, and another error if Redis did not confirm.
func (t *Tally) Err() error {
	switch {
	case t.unconfirmed > 0:
		return fmt.Errorf("messages that Redis did not confirm: %d; lines at fault beside them: %d. "+
			"Lines with an idempotency_key can be sent again safely", t.unconfirmed, t.badLines)
	case t.badLines > 0:
		return &FaultError{Err: fmt.Errorf("lines at fault, which were not enqueued: %d", t.badLines)}
	}
	return nil
}
