package main

import (
	"context"
	"fmt"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/printout"
)

// recallBroadcast cancels a broadcast, and recalls the messages that it has sent.
func (g *globals) recallBroadcast(ctx context.Context, d *daemon.Deployment, id string) error {
	app, err := d.AppOf(id)
	if err != nil {
		return err
	}
	progress := newProgress(g.stderr, "calls", "recalled")
	seen := 0
	result, err := d.BroadcastDesk(app).Recall(ctx, id, actor(), func(r broadcast.Recall) {
		progress.add(r.Recalled - seen)
		seen = r.Recalled
	})
	progress.end()
	if result.ID == "" {
		return broadcastError(err)
	}
	if printErr := g.printBroadcastRecall(result); printErr != nil {
		return printErr
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w; repeat the command to recall the rest", err)
	case result.Failed > 0:
		return fmt.Errorf("%s: not taken back: %d of %d calls", id, result.Failed, result.Recalled+result.Failed)
	}
	return nil
}

func (g *globals) printBroadcastRecall(r broadcast.Recall) error {
	if g.output != "text" {
		return printout.JSON(g.stdout, r)
	}
	if _, err := fmt.Fprintf(g.stdout, "%s: recalled %d calls, failed %d, left %d\n", r.ID, r.Recalled, r.Failed, r.Left); err != nil {
		return err
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintf(g.stdout, "  %s: %s\n", p.MsgID, harmless.Line(p.Reason)); err != nil {
			return err
		}
	}
	return nil
}
