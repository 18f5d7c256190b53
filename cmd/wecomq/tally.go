package main

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/producer"
)

// tally counts what became of the lines of a batch.
type tally struct {
	started               time.Time
	enqueued, duplicates  int
	badLines, unconfirmed int
	ids                   []string // to wait for
}

func (t *tally) add(r producer.Receipt, remember bool) {
	t.enqueued++
	if r.Duplicate {
		t.duplicates++
	}
	if remember {
		t.ids = append(t.ids, r.ID)
	}
}

func (t *tally) fault(unconfirmed bool) {
	if unconfirmed {
		t.unconfirmed++
	} else {
		t.badLines++
	}
}

func (t *tally) String() string {
	s := fmt.Sprintf("%d enqueued in %s", t.enqueued, time.Since(t.started).Round(time.Millisecond))
	if t.duplicates > 0 {
		s += fmt.Sprintf(", %d of them were there already", t.duplicates)
	}
	return s
}

// err is a usage error for lines at fault, a failure when Redis did not confirm.
func (t *tally) err() error {
	switch {
	case t.unconfirmed > 0:
		return fmt.Errorf("messages that Redis did not confirm: %d; lines at fault beside them: %d. "+
			"Lines with an idempotency_key can be sent again safely", t.unconfirmed, t.badLines)
	case t.badLines > 0:
		return usagef("lines at fault, which were not enqueued: %d", t.badLines)
	}
	return nil
}
