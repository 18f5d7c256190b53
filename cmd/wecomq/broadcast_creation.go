package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// broadcastCreation is one run of `wecomq broadcast create`, after the list was checked.
type broadcastCreation struct {
	*globals
	deployment *daemon.Deployment
	app        *config.App
	desk       *broadcast.Desk
	draft      broadcast.Draft
}

// tellSkipped prints which part of the list is skipped.
func (c *broadcastCreation) tellSkipped() {
	list := c.draft.List.Summary
	for _, p := range list.Problems {
		_, _ = fmt.Fprintln(c.stderr, "left out:", p)
	}
	if more := list.Invalid - len(list.Problems); more > 0 {
		_, _ = fmt.Fprintf(c.stderr, "left out: %d more lines\n", more)
	}
	for _, d := range list.DuplicateExamples {
		_, _ = fmt.Fprintf(c.stderr, "line %d: %s is on line %d already, and gets one message\n", d.Line, d.User, d.FirstLine)
	}
	if more := list.Duplicates - len(list.DuplicateExamples); more > 0 {
		_, _ = fmt.Fprintf(c.stderr, "%d more duplicates\n", more)
	}
}

// create stores the broadcast and prints it, if WeCom accepts its samples for testTo.
func (c *broadcastCreation) create(ctx context.Context, testTo string) error {
	progress := newProgress(c.stderr, "recipients", "stored")
	seen := 0
	c.draft.OnProgress = func(recipients int) {
		progress.add(recipients - seen)
		seen = recipients
	}
	b, duplicate, err := c.desk.CreateTested(ctx, c.draft, testTo, func(m broadcast.TestMessage) {
		progress.end()
		_, _ = fmt.Fprintf(c.stderr, "%s: %s\n", m, m.Record.State)
	})
	progress.end()
	if err != nil {
		return creationError(err)
	}
	if duplicate {
		_, _ = fmt.Fprintf(c.stderr, "%s was created at %s with the same content; to send it once more, use an --idempotency-key\n",
			b.ID, printout.Time(b.CreatedAt))
	}
	return c.printCreated(ctx, c.desk, b, duplicate)
}

// creationError distinguishes a test message that WeCom refused from a creation that should be repeated.
func creationError(err error) error {
	refused, ok := errors.AsType[*broadcast.TestError](err)
	switch {
	case errors.As(err, new(*tasks.KeyReuseError)):
		return &exitError{exitUsage, err}
	case !ok:
		return fmt.Errorf("%w; nothing was sent. Repeat the command: it continues where it stopped", err)
	case refused.Record.State.Final():
		return &exitError{exitRejected, err}
	}
	return &exitError{exitTimeout, err}
}

// printCreated prints a broadcast that was created, now or before.
func (g *globals) printCreated(ctx context.Context, desk *broadcast.Desk, b *broadcast.Broadcast, duplicate bool) error {
	status, err := desk.Tell(ctx, b)
	if err != nil {
		return err
	}
	if g.output == "text" {
		return printBroadcastText(g.stdout, status)
	}
	return printout.JSON(g.stdout, newBroadcastReceipt(status, duplicate))
}

// broadcastReceipt describes the created broadcast.
type broadcastReceipt struct {
	ID         string          `json:"id"`
	App        string          `json:"app"`
	Recipients int             `json:"recipients"`
	Calls      int             `json:"calls"`
	ETA        *time.Time      `json:"eta"` // null if unknown
	State      broadcast.State `json:"state"`
	Duplicates int             `json:"duplicates"` // in the list
	Skipped    int             `json:"skipped"`
	Duplicate  bool            `json:"duplicate"` // it already existed
}

func newBroadcastReceipt(s broadcast.Status, duplicate bool) broadcastReceipt {
	r := broadcastReceipt{
		ID: s.ID, App: s.App, Recipients: s.Recipients, Calls: s.Calls, State: s.State,
		Duplicates: s.Duplicates, Skipped: s.Skipped, Duplicate: duplicate,
	}
	if !s.ETA.IsZero() {
		r.ETA = &s.ETA
	}
	return r
}

// printPreview prints the messages that would be sent.
func (c *broadcastCreation) printPreview(ctx context.Context) error {
	planned, err := c.draft.Planned(c.app.Name)
	if err != nil {
		return err
	}
	status, err := c.desk.Tell(ctx, planned)
	if err != nil {
		return err
	}
	if c.output == "text" {
		preview, err := c.desk.Preview(ctx, c.draft)
		if err != nil {
			return err
		}
		status.State = preview.State
		status.Review = &broadcast.Review{Samples: preview.Samples, Quota: preview.Quota}
		return printBroadcastText(c.stdout, status)
	}
	if err := printout.JSON(c.stdout, newBroadcastReceipt(status, false)); err != nil {
		return err
	}
	for _, sample := range c.draft.List.Summary.Samples {
		body, err := c.draft.Spec.Template.Body(compose.Call{Users: []string{sample.User}, Columns: sample.Columns})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(c.stdout, "%s\n", message.FillAgentID(body, c.app.AgentID)); err != nil {
			return err
		}
	}
	return nil
}
