package main

import (
	"context"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
)

// broadcastCreation is one run of `wecomq broadcast create`, once the list is checked.
type broadcastCreation struct {
	*globals
	deployment *daemon.Deployment
	app        *config.App
	desk       *broadcast.Desk
	draft      broadcast.Draft
}

// tellSkipped says what of the list is not sent.
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

// testPatience is how long a test message may take.
const testPatience = time.Minute

// test sends the first messages to one user, and waits for them.
func (c *broadcastCreation) test(ctx context.Context, user string) error {
	p, err := c.deployment.Producer(c.app)
	if err != nil {
		return err
	}
	s := &sender{globals: c.globals, flags: &sendFlags{timeout: testPatience}, producer: p, finder: c.deployment.Finder(c.app), agentID: c.app.AgentID}
	for _, sample := range c.draft.List.Summary.Samples {
		body, err := c.draft.Spec.Template.Body(compose.Call{Users: []string{user}, Columns: sample.Columns})
		if err != nil {
			return err
		}
		request, err := message.Parse(body)
		if err != nil {
			return err
		}
		receipt, err := p.Send(ctx, request, producer.Options{})
		if err != nil {
			return enqueueError(err)
		}
		waiting, cancel := context.WithTimeout(ctx, testPatience)
		record, err := s.await(waiting, receipt.ID)
		cancel()
		if err == nil {
			err = verdict(record)
		}
		if err != nil {
			return fmt.Errorf("test message to %s: %w; the broadcast was not created", user, err)
		}
		_, _ = fmt.Fprintf(c.stderr, "test message %s to %s, as %s would get it: %s\n", record.ID, user, sample.User, record.State)
	}
	return nil
}

// create stores the broadcast and prints it.
func (c *broadcastCreation) create(ctx context.Context) error {
	progress := newProgress(c.stderr, "recipients", "stored")
	seen := 0
	c.draft.OnProgress = func(recipients int) {
		progress.add(recipients - seen)
		seen = recipients
	}
	b, duplicate, err := c.desk.Create(ctx, c.draft)
	progress.end()
	if err != nil {
		return fmt.Errorf("%w; nothing was sent. Repeat the command: it goes on where it was", err)
	}
	if duplicate {
		_, _ = fmt.Fprintf(c.stderr, "%s was created at %s and says the same; to send it once more, give it an --idempotency-key\n",
			b.ID, timeText(b.CreatedAt))
	}
	return c.printCreated(ctx, c.desk, b, duplicate)
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
	return printJSON(g.stdout, newBroadcastReceipt(status, duplicate))
}

// broadcastReceipt says what was created.
type broadcastReceipt struct {
	ID         string          `json:"id"`
	App        string          `json:"app"`
	Recipients int             `json:"recipients"`
	Calls      int             `json:"calls"`
	ETA        *time.Time      `json:"eta"` // null if it is not known
	State      broadcast.State `json:"state"`
	Duplicates int             `json:"duplicates"` // in the list
	Skipped    int             `json:"skipped"`
	Duplicate  bool            `json:"duplicate"` // it was there already
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

// printPreview prints what would be sent.
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
	if err := printJSON(c.stdout, newBroadcastReceipt(status, false)); err != nil {
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
