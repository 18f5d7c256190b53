package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
)

// dryRun prints what WeCom would get, one line per call, and enqueues nothing.
func dryRun(g *globals, source *messageReader) error {
	faults := 0
	for {
		err := printNext(g, source)
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
func printNext(g *globals, source *messageReader) error {
	m, err := source.next()
	if err != nil {
		return err
	}
	err = message.ValidateContent(m.Request)
	switch {
	case err != nil && source.lines:
		return &lineError{source.line, err}
	case err != nil:
		return &exitError{exitUsage, err}
	}
	for _, to := range producer.Split(m.Request.Common().Recipients()) {
		body, err := message.Encode(message.WithRecipients(m.Request, to))
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(g.stdout, "%s\n", message.FillAgentID(body, source.outlet.agentID)); err != nil {
			return err
		}
	}
	return nil
}
