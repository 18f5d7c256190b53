package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/wecomq/wecomq/internal/submission"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
)

// dryRun prints lines as WeCom would receive them, and enqueues nothing.
func (g *globals) dryRun(ctx context.Context, lines *submission.Lines) error {
	faults := 0
	for {
		item, err := lines.Next(ctx)
		if err == nil {
			err = g.printItem(item)
		}
		_, faulty := errors.AsType[*submission.FaultError](err)
		switch {
		case faulty:
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

// printItem prints a message as WeCom would receive it, one line per call.
func (g *globals) printItem(item submission.Item) error {
	request := item.Message.Request
	if err := message.ValidateContent(request); err != nil {
		return &submission.FaultError{Line: item.Line, Err: err}
	}
	for _, to := range producer.Split(request.Common().Recipients()) {
		body, err := message.Encode(message.WithRecipients(request, to))
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(g.stdout, "%s\n", message.FillAgentID(body, item.Outlet.AgentID)); err != nil {
			return err
		}
	}
	return nil
}
