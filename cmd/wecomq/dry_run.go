package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/wecomq/wecomq/message"
)

// dryRun prints what WeCom would get, and enqueues nothing.
func dryRun(g *globals, agentID string, source *messageReader) error {
	faults := 0
	for {
		err := printNext(g, agentID, source)
		var fault *lineError
		switch {
		case errors.As(err, &fault):
			faults++
			_, _ = fmt.Fprintln(g.stderr, err)
		case errors.Is(err, io.EOF) && faults > 0:
			return usagef("lines at fault: %d", faults)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// printNext prints the next message as WeCom would get it. It returns io.EOF after
// the last, or *lineError for a line that is at fault.
func printNext(g *globals, agentID string, source *messageReader) error {
	m, err := source.next()
	if err != nil {
		return err
	}
	err = errors.Join(checkAgent(m.Request, agentID), message.ValidateContent(m.Request))
	switch {
	case err != nil && source.lines:
		return &lineError{source.line, err}
	case err != nil:
		return &exitError{exitUsage, err}
	}
	body, err := message.Encode(m.Request)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.stdout, "%s\n", message.FillAgentID(body, agentID))
	return err
}
