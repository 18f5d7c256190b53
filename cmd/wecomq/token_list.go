package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/printout"
)

func newTokenList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "Show the tokens of the config: last use, and usage of their limits",
		Long: `Shows the tokens of gateway.tokens. Their usage is counted in Redis, by all
gateways together.

  LAST USED   to the minute; - means never, or over 90 days ago
  MESSAGES    used this minute, of per_minute
  RECIPIENTS  used today in China, of recipients_per_day
              - means that there is no such limit; usage is not counted then`,
		Example: "  wecomq token ls\n  wecomq token ls -o json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			tokens, err := d.TokenStatuses(cmd.Context())
			if err != nil {
				return err
			}
			return g.printTokens(tokens)
		},
	}
}

func (g *globals) printTokens(tokens []daemon.TokenStatus) error {
	if g.output == "json" {
		for _, token := range tokens {
			if err := printout.JSON(g.stdout, token); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TOKEN\tAPPS\tSCOPES\tEXPIRES\tLAST USED\tMESSAGES\tRECIPIENTS")
	for _, t := range tokens {
		scopes := make([]string, len(t.Scopes))
		for i, scope := range t.Scopes {
			scopes[i] = string(scope)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Token, strings.Join(t.Apps, ","), strings.Join(scopes, ","),
			momentText(t.Expires), momentText(t.LastUsed), shareText(t.Limits, budget.PerMinute), shareText(t.Limits, budget.RecipientsPerDay))
	}
	return w.Flush()
}

// momentText formats a time to the minute, "-" for none.
func momentText(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04Z")
}

// shareText is the used part of a limit, "-" if there is none.
func shareText(shares []budget.Share, limit string) string {
	for _, share := range shares {
		if share.Limit == limit {
			return fmt.Sprintf("%d/%d", share.Used, share.Max)
		}
	}
	return "-"
}
