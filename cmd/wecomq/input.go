package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wecomq/wecomq/message"
)

// readFile reads a template, which is not larger than a message.
func (g *globals) readFile(flag, name string) ([]byte, error) {
	in, err := g.openFile(flag, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	data, err := io.ReadAll(io.LimitReader(in, message.MaxBodyBytes+1))
	if err == nil && len(data) > message.MaxBodyBytes {
		err = fmt.Errorf("it is larger than %d bytes", message.MaxBodyBytes)
	}
	if err != nil {
		return nil, usagef("%s: %s: %w", flag, name, err)
	}
	return data, nil
}

// openFile opens the file that a flag names, or stdin.
func (g *globals) openFile(flag, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(g.stdin), nil
	}
	file, err := os.Open(name)
	if path, ok := errors.AsType[*os.PathError](err); ok {
		err = path.Err
	}
	if err != nil {
		return nil, usagef("%s: %s: %w", flag, name, err)
	}
	return file, nil
}
