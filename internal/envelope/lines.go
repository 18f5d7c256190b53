package envelope

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
)

// Line is one line of a stream of messages.
type Line struct {
	Number int // counts from 1, blank lines included
	Text   []byte
	Err    error // why it cannot be read
}

// Parse parses the text of the line; see [Parse].
func (l Line) Parse() (*Envelope, error) {
	if l.Err != nil {
		return nil, l.Err
	}
	return Parse(l.Text)
}

// Bounds limit how much of a stream is read at once. One more line may be in memory.
type Bounds struct {
	Lines, Bytes int
	Buffer       int // bytes
	// Charge, if set, is called with the bytes of each line in memory; its error ends the stream.
	Charge func(n int64) error
}

// Lines reads the lines of a stream, returning together those that have arrived.
type Lines struct {
	in     *bufio.Reader
	bounds Bounds
	number int
	failed error // after which nothing is read
}

// NewLines reads from in.
func NewLines(in io.Reader, bounds Bounds) *Lines {
	return &Lines{in: bufio.NewReaderSize(in, bounds.Buffer), bounds: bounds}
}

// Number is that of the last line read.
func (l *Lines) Number() int { return l.number }

// Chunk returns the next lines that are not blank, and io.EOF or another error after the last.
func (l *Lines) Chunk() ([]Line, error) {
	var chunk []Line
	for size := 0; len(chunk) < l.bounds.Lines && size < l.bounds.Bytes; {
		if len(chunk) > 0 && l.in.Buffered() == 0 {
			break // do not delay the lines that have arrived
		}
		text, err := l.next()
		if err != nil {
			return chunk, err
		}
		size += len(text)
		next := Line{Number: l.number, Text: bytes.TrimSpace(text)}
		if len(text) > message.MaxBodyBytes {
			next.Text, next.Err = nil, fmt.Errorf("%w: over %d bytes in one line", ErrTooLarge, message.MaxBodyBytes)
		}
		if len(next.Text) > 0 || next.Err != nil {
			chunk = append(chunk, next)
		}
	}
	return chunk, nil
}

// next reads one line; the part of a line beyond a message's limit is skipped.
func (l *Lines) next() ([]byte, error) {
	if l.failed != nil {
		return nil, l.failed
	}
	var line bytes.Buffer
	for {
		part, err := l.in.ReadSlice('\n')
		if line.Len() <= message.MaxBodyBytes {
			line.Write(part)
			if busy := l.charge(len(part)); busy != nil {
				l.failed = busy
				return nil, busy
			}
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		l.failed = err
		if err != nil && (line.Len() == 0 || !errors.Is(err, io.EOF)) {
			return nil, err // a line that was cut off does not count
		}
		if l.number++; l.number == 1 {
			return textfile.TrimMark(line.Bytes()), nil
		}
		return line.Bytes(), nil
	}
}

func (l *Lines) charge(n int) error {
	if l.bounds.Charge == nil {
		return nil
	}
	return l.bounds.Charge(int64(n))
}
