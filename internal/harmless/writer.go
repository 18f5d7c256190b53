package harmless

import (
	"io"
	"slices"
	"sync"
	"unicode/utf8"
)

// Writer writes text that may contain untrusted parts, filtered by [Text]. It is safe for concurrent use.
type Writer struct {
	out io.Writer

	mu   sync.Mutex
	rest []byte // the beginning of a character
}

// NewWriter returns a writer to out.
func NewWriter(out io.Writer) *Writer { return &Writer{out: out} }

// Unwrap returns the writer behind it.
func (w *Writer) Unwrap() io.Writer { return w.out }

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := p
	if len(w.rest) > 0 {
		text = slices.Concat(w.rest, p)
	}
	whole := text
	for i := 1; i <= min(len(text), utf8.UTFMax-1); i++ {
		if last := text[len(text)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				whole = text[:len(text)-i]
			}
			break
		}
	}
	_, err := io.WriteString(w.out, Text(string(whole)))
	w.rest = append(w.rest[:0], text[len(whole):]...)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
