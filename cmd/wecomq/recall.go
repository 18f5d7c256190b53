package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
)

func newRecall(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "recall ID…",
		Short: "Recall or cancel messages",
		Long: `Recalls messages. Those of the last 24 hours disappear from WeCom's clients, but
not from WeChat. Messages still in the queue are cancelled and never sent. Prints
the result for each message, part by part: {"id","app","parts":[{"id",
"result","msgid","recalled_at","errcode","reason","hint"}]}, where result is
recalled, cancelled or failed. Exits 1 if a part could not be recalled.

The ID of a broadcast cancels the rest of it, and recalls the calls already made: {"id","recalled",
"failed","left","problems"}. A repeat continues where it stopped.`,
		Example: `  wecomq recall ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq recall -o text ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := validateIDs(ids); err != nil {
				return err
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			return runRecall(acting(cmd.Context(), d), g, d, ids)
		},
	}
}

func runRecall(ctx context.Context, g *globals, d *daemon.Deployment, ids []string) error {
	var problems []error
	for _, id := range ids {
		if _, err := tasks.ValidateBroadcastID(id); err == nil {
			if err := g.recallBroadcast(ctx, d, id); err != nil {
				problems = append(problems, err)
			}
			continue
		}
		op, err := d.OperatorOf(id)
		if err != nil {
			return err
		}
		recall, err := op.Recall(ctx, id)
		if err != nil {
			problems = append(problems, err)
		}
		if len(recall.Parts) == 0 {
			continue
		}
		// Also after a failure half way: the recalled parts must be printed.
		if err := g.printRecall(recall); err != nil {
			return err
		}
		if failed := recall.Failed(); failed > 0 {
			problems = append(problems, fmt.Errorf("%s: not taken back: %d of %d", id, failed, len(recall.Parts)))
		}
	}
	return errors.Join(problems...)
}

func (g *globals) printRecall(r operator.Recall) error {
	if g.output != "text" {
		return printout.JSON(g.stdout, r)
	}
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	for _, part := range r.Parts {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", part.ID, part.Result, because(part))
	}
	return w.Flush()
}

func because(p operator.RecalledPart) string {
	switch {
	case p.Result == operator.Recalled:
		return "at " + printout.Time(p.RecalledAt)
	case p.Result == operator.Failed && p.Hint != "":
		return p.Reason + ": " + p.Hint
	default:
		return p.Reason
	}
}
