package main

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/producer"
)

// lineBatch are lines that came together, of which some are at fault.
type lineBatch struct {
	messages []producer.Message
	lines    []int // of messages
	faults   []lineError
}

// readOrStop reads the next batch, unless ctx ends first. A read from a terminal
// or pipe cannot be interrupted: it is left behind, and ends with the process.
func readOrStop(ctx context.Context, source *messageReader, agentID string) (*lineBatch, error) {
	type read struct {
		batch *lineBatch
		err   error
	}
	done := make(chan read, 1)
	go func() {
		b, err := readBatch(source, agentID)
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
func readBatch(source *messageReader, agentID string) (*lineBatch, error) {
	b := &lineBatch{}
	for {
		m, err := source.next()
		if err == nil {
			err = lineFault(source.line, checkAgent(m.Request, agentID))
		}
		fault, faulty := errors.AsType[*lineError](err)
		switch {
		case faulty:
			b.faults = append(b.faults, *fault)
		case err != nil:
			return b, err
		default:
			b.messages = append(b.messages, m)
			b.lines = append(b.lines, source.line)
		}
		if source.idle() {
			return b, nil
		}
	}
}

// lineFault is the error of one line, nil without one.
func lineFault(line int, err error) error {
	if err == nil {
		return nil
	}
	return &lineError{line, err}
}
