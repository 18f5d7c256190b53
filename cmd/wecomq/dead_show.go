package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/printout"
)

func newDeadShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show why a message failed, and what to do",
		Long: `Shows the record of a message that failed, why it failed, what to do about it, and
the body that was sent. If the message is in parts, it shows each part that failed.`,
		Example: `  wecomq dead show ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq dead show -o json ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := validateIDs(ids); err != nil {
				return err
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			return runDeadShow(cmd.Context(), g, d, ids[0])
		},
	}
}

func runDeadShow(ctx context.Context, g *globals, d *daemon.Deployment, id string) error {
	whole, err := d.Find(ctx, id)
	if err != nil {
		return err
	}
	op, err := d.OperatorOf(id)
	if err != nil {
		return err
	}
	shown := 0
	for _, record := range operator.PartsNamed(whole, id) {
		if !record.State.Replayable() {
			continue
		}
		letter, err := op.Explain(ctx, record)
		if err != nil {
			return err
		}
		if err := g.printDead(letter); err != nil {
			return err
		}
		shown++
	}
	if shown == 0 {
		return fmt.Errorf("%s is %s, not a dead letter; see 'wecomq result %s'", id, whole.State, id)
	}
	return nil
}

func (g *globals) printDead(l operator.DeadLetter) error {
	if g.output == "json" {
		return printout.JSON(g.stdout, l)
	}
	if err := printout.Record(g.stdout, l.Record, g.language()); err != nil {
		return err
	}
	body := string(l.Body)
	if body == "" {
		body = "purged: it cannot be replayed"
	}
	_, err := fmt.Fprintf(g.stdout, "why         %s\nwhat to do  %s\nbody        %s\n\n", harmless.Line(l.Why), l.Hint, body)
	return err
}
