package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/wecomq/wecomq/internal/harmless"
)

// terminal is the terminal behind a stream, nil if there is none.
func terminal(stream any) *os.File {
	if guarded, ok := stream.(*harmless.Writer); ok {
		stream = guarded.Unwrap()
	}
	file, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return file
}

func isTerminal(stream any) bool { return terminal(stream) != nil }

// guarded keeps what others have written from steering a terminal. What goes into a file or
// a pipe stays as it is.
func guarded(stream io.Writer) io.Writer {
	if !isTerminal(stream) {
		return stream
	}
	return harmless.NewWriter(stream)
}

// unguarded is for what writes colours, and nothing of others.
func unguarded(stream io.Writer) io.Writer {
	if file := terminal(stream); file != nil {
		return file
	}
	return stream
}
