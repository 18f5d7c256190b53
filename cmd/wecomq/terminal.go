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

// guarded removes control characters of untrusted text on a terminal. Output to a file or a pipe stays unchanged.
func guarded(stream io.Writer) io.Writer {
	if !isTerminal(stream) {
		return stream
	}
	return harmless.NewWriter(stream)
}

// unguarded is for output with colours, and without untrusted text.
func unguarded(stream io.Writer) io.Writer {
	if file := terminal(stream); file != nil {
		return file
	}
	return stream
}
