package submission

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/wecomq/wecomq/tasks"
)

// Batch has lines that arrived together, some of which may be invalid.
type Batch struct {
	items  []Item
	faults []*FaultError
}

// Len is the number of messages that can be enqueued.
func (b *Batch) Len() int { return len(b.items) }

// Outcome is the result of a line: its receipt, or why there is none.
type Outcome struct {
	Line    int
	Receipt tasks.Receipt
	Err     error
}

// Batch waits for a line and reads all that have arrived, unless ctx ends first. The error is that of
// [Lines.Next]; after io.EOF there may be a last batch. A read from a terminal or pipe cannot be interrupted: it
// continues in the background, and ends with the process.
func (l *Lines) Batch(ctx context.Context) (*Batch, error) {
	type read struct {
		batch *Batch
		err   error
	}
	done := make(chan read, 1)
	go func() {
		b, err := l.batch(ctx)
		done <- read{b, err}
	}()
	select {
	case r := <-done:
		return r.batch, r.err
	case <-ctx.Done():
		return nil, errors.New("interrupted")
	}
}

func (l *Lines) batch(ctx context.Context) (*Batch, error) {
	b := &Batch{}
	for {
		item, err := l.Next(ctx)
		fault, faulty := errors.AsType[*FaultError](err)
		switch {
		case faulty:
			b.faults = append(b.faults, fault)
		case err != nil:
			return b, err
		default:
			b.items = append(b.items, item)
		}
		if len(l.chunk) == 0 { // the next line may take long to arrive
			return b, nil
		}
	}
}

// Enqueue enqueues the messages, those of each app together, and returns the outcome of each line, in order.
func (b *Batch) Enqueue(ctx context.Context) []Outcome {
	outcomes := make([]Outcome, len(b.items), len(b.items)+len(b.faults))
	places := map[*Outlet][]int{}
	for place, item := range b.items {
		places[item.Outlet] = append(places[item.Outlet], place)
	}
	for outlet, places := range places {
		messages := make([]tasks.Message, len(places))
		for i, place := range places {
			messages[i] = b.items[place].Message
		}
		for i, result := range outlet.Queue.SendBatch(ctx, messages) {
			outcomes[places[i]] = Outcome{b.items[places[i]].Line, result.Receipt, result.Err}
		}
	}
	for _, fault := range b.faults {
		outcomes = append(outcomes, Outcome{Line: fault.Line, Err: fault.Err})
	}
	slices.SortFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Line, b.Line) })
	return outcomes
}
