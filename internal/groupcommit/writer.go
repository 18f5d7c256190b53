package groupcommit

import (
	"bytes"
	"context"
	"io"
)

// mostWritten is how many bytes are written in one call: up to this size a pipe keeps them together, even if others write to it.
const mostWritten = 4096

// Writer combines what goroutines write at the same moment into one call: a worker logs thousands of lines a
// second. Write returns when the bytes are written.
type Writer struct {
	group *Group[[]byte, struct{}]
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer {
	weight := func(p []byte) int { return len(p) }
	return &Writer{New(mostWritten, weight, func(_ context.Context, pieces [][]byte) []Answer[struct{}] {
		_, err := out.Write(bytes.Join(pieces, nil))
		answers := make([]Answer[struct{}], len(pieces))
		for i := range answers {
			answers[i].Err = err
		}
		return answers
	})}
}

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	if _, err := w.group.Do(context.Background(), p); err != nil {
		return 0, err
	}
	return len(p), nil
}
