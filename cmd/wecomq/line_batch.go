package main

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/producer"
)

// lineBatch are lines that came together, of which some are at fault.
type lineBatch struct {
	messages []producer.Message
	lines    []int     // of messages
	outlets  []*outlet // of messages
	faults   []lineError
}

// readOrStop reads the next batch, unless ctx ends first. A read from a terminal
// or pipe cannot be interrupted: it is left behind, and ends with the process.
func readOrStop(ctx context.Context, source *messageReader) (*lineBatch, error) {
	type read struct {
		batch *lineBatch
		err   error
	}
	done := make(chan read, 1)
	go func() {
		b, err := readBatch(source)
		done <- read{b, err}
	}()
	select {
	case r := <-done:
		return r.batch, r.err
	case <-ctx.Done():
		return nil, errors.New("interrupted")
	}
}

// readBatch waits for a line and reads what has come by then.
func readBatch(source *messageReader) (*lineBatch, error) {
	b := &lineBatch{}
	for {
		m, err := source.next()
		fault, faulty := errors.AsType[*lineError](err)
		switch {
		case faulty:
			b.faults = append(b.faults, *fault)
		case err != nil:
			return b, err
		default:
			b.messages = append(b.messages, m)
			b.lines = append(b.lines, source.line)
			b.outlets = append(b.outlets, source.outlet)
		}
		if source.idle() {
			return b, nil
		}
	}
}

// send enqueues the messages, those of each app together; the results are in their order.
func (b *lineBatch) send(ctx context.Context) []producer.Result {
	places := map[*outlet][]int{}
	for place, outlet := range b.outlets {
		places[outlet] = append(places[outlet], place)
	}
	results := make([]producer.Result, len(b.messages))
	for outlet, places := range places {
		messages := make([]producer.Message, len(places))
		for i, place := range places {
			messages[i] = b.messages[place]
		}
		for i, result := range outlet.producer.SendBatch(ctx, messages) {
			results[places[i]] = result
		}
	}
	return results
}
