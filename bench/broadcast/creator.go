package main

import (
	"context"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// runCreator runs a process that stores the messages to send, and returns its output.
func (t trial) runCreator(ctx context.Context, path string, args ...string) (string, creation, error) {
	var c creation
	began := time.Now()
	p, err := stage.Start(path, nil, args...)
	if err != nil {
		return "", c, err
	}
	defer p.Kill()
	output, err := p.AwaitEnd(ctx, func() { c.memory = max(c.memory, p.PeakMemory()) })
	c.took = time.Since(began)
	return output, c, err
}
