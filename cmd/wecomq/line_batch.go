package main

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/producer"
)

// batchSize and batchBytes bound the lines that go into Redis at once. A slow pipe
// does not fill them: what has come by then is sent.
const (
	batchSize  = 1000
	batchBytes = 8 << 20
)

// lineBatch is a number of lines, of which some are at fault.
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

func readBatch(source *messageReader, agentID string) (*lineBatch, error) {
	b := &lineBatch{}
	for size := 0; len(b.messages)+len(b.faults) < batchSize && size < batchBytes; size += source.size {
		if len(b.messages) > 0 && source.idle() {
			return b, nil
		}
		m, err := source.next()
		if fault, ok := errors.AsType[*lineError](err); ok {
			b.faults = append(b.faults, *fault)
			continue
		}
		if err != nil {
			return b, err
		}
		if err := checkAgent(m.Request, agentID); err != nil {
			b.faults = append(b.faults, lineError{source.line, err})
			continue
		}
		b.messages = append(b.messages, m)
		b.lines = append(b.lines, source.line)
	}
	return b, nil
}
