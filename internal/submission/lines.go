package submission

import (
	"context"
	"errors"
	"io"

	"github.com/wecomq/wecomq/internal/envelope"
)

// bounds limit the lines that are enqueued together. A slow pipe does not fill them: the lines that have arrived
// are sent.
var bounds = envelope.Bounds{Lines: 1000, Bytes: 8 << 20, Buffer: 1 << 20}

// Lines yields the messages of a file that has one per line.
type Lines struct {
	terms  *Terms
	name   string // of the file
	stream *envelope.Lines
	chunk  []envelope.Line // that have arrived, and were not yielded yet
	end    error           // the error that follows them
}

// Lines reads a file of one message per line; its name is for errors.
func (t *Terms) Lines(in io.Reader, name string) *Lines {
	return &Lines{terms: t, name: name, stream: envelope.NewLines(in, bounds)}
}

// Next returns the next message, io.EOF after the last, a [*FaultError] for a line that cannot be enqueued, or
// why the rest of the file cannot be read.
func (l *Lines) Next(ctx context.Context) (Item, error) {
	for len(l.chunk) == 0 {
		if l.end != nil {
			return Item{}, l.end
		}
		if l.chunk, l.end = l.stream.Chunk(); l.end != nil && !errors.Is(l.end, io.EOF) {
			l.end = unreadable(l.name, l.end)
		}
	}
	line := l.chunk[0]
	l.chunk = l.chunk[1:]
	item, err := l.terms.item(ctx, line.Parse)
	if err != nil {
		return Item{}, &FaultError{line.Number, err}
	}
	item.Line = line.Number
	return item, nil
}
