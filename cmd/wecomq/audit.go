package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/printout"
)

// auditFlags are the flags of `wecomq audit`.
type auditFlags struct {
	span
	app    string
	repair bool
}

func newAudit(g *globals) *cobra.Command {
	f := &auditFlags{}
	cmd := &cobra.Command{
		Use:   "audit [APP…]",
		Short: "Check that every recipient has an outcome and no message is stuck",
		Long: `Adds up, for each app of the config or those named, the recipients of all messages that
Redis knows: enqueued = accepted + invalid + unlicensed + rejected + unknown + expired +
cancelled + pending. Prints the sums, then the number of inconsistent messages and the
first twenty of them, and exits 1 if there are any:

  sum      the recipients of the message or broadcast do not add up
  stuck    the message is unfinished but in no queue: no worker will send it
  missing  a part or follow-up that another record refers to does not exist

It may run at any time: messages that change during the audit may be counted twice or
not at all, but are not reported. Parts and follow-ups count as separate messages. For
a broadcast, the audit compares its sums with the outcome of each call, and names the
blocks that differ. With --since or --until it covers only messages that changed in that
time, and broadcasts that existed then and had not ended.

--repair puts stuck messages back at the front of their queue. The worker treats them
like any message whose worker died: if WeCom may already have one, it is sent again only
if the app's on_unknown and the duplicate check allow that. If the content of a message
is gone as well, or the message is missing, it becomes rejected, or unknown if WeCom may
have it, and its record gives the reason. Exits 1 if any inconsistency is left.`,
		Example: "  wecomq audit\n  wecomq audit ops --since 24h\n  wecomq audit --repair",
		Args:    arguments(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, names []string) error {
			since, until, err := f.times(time.Now())
			if err != nil {
				return err
			}
			if f.app != "" && !slices.Contains(names, f.app) {
				names = append(names, f.app)
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			a := &auditCommand{globals: g, deployment: d, repair: f.repair}
			return a.run(acting(cmd.Context(), d), names, audit.Options{Since: since, Until: until})
		},
	}
	lookAtApp(cmd, &f.app)
	f.register(cmd)
	cmd.Flags().BoolVar(&f.repair, "repair", false, "put stuck messages back into their queue; end those that cannot be sent, with a reason")
	return cmd
}

// auditCommand is one run of `wecomq audit`.
type auditCommand struct {
	*globals
	deployment *daemon.Deployment
	repair     bool
	repairs    []operator.Repair // the first of them
	left       int               // findings that are still there
}

func (a *auditCommand) run(ctx context.Context, names []string, o audit.Options) error {
	apps, err := a.deployment.AppsNamed(names...)
	if err != nil {
		return err
	}
	progress := newProgress(a.stderr, "messages", "audited")
	o.OnPage = progress.add
	o.OnFinding = func(f audit.Finding) error { return a.handle(ctx, f) }
	result, err := a.deployment.Auditor(apps...).Audit(ctx, o)
	progress.end()
	if err != nil {
		return err
	}
	if err := a.print(result); err != nil || a.left == 0 {
		return err
	}
	if a.repair {
		return fmt.Errorf("inconsistent messages: %d, left: %d", result.Imbalance, a.left)
	}
	return fmt.Errorf("inconsistent messages: %d", a.left)
}

// handle repairs a finding, if requested.
func (a *auditCommand) handle(ctx context.Context, f audit.Finding) error {
	if !a.repair {
		a.left++
		return nil
	}
	op, err := a.deployment.OperatorOf(f.ID)
	if err != nil {
		return err
	}
	repair, err := op.Repair(ctx, f)
	if err != nil {
		return err
	}
	if repair.Outcome == operator.Left && !repair.State.Final() || f.Kind == audit.Off {
		a.left++
	}
	if len(a.repairs) < audit.MaxFindings {
		a.repairs = append(a.repairs, repair)
	}
	return nil
}

func (a *auditCommand) print(result audit.Result) error {
	if a.output == "json" {
		return printout.JSON(a.stdout, struct {
			audit.Result

			Repairs []operator.Repair `json:"repairs,omitempty"`
		}{result, a.repairs})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "APP\tMESSAGES\tBROADCASTS\tENQUEUED\tACCEPTED\tINVALID\tUNLICENSED\tREJECTED\tUNKNOWN\tEXPIRED\tCANCELLED\tPENDING\tIMBALANCE\t")
	for _, s := range result.Apps {
		row := []string{s.App}
		for _, n := range []int{
			s.Messages, s.Broadcasts, s.Enqueued, s.Accepted, s.Invalid, s.Unlicensed, s.Rejected, s.Unknown, s.Expired, s.Cancelled, s.Pending, s.Imbalance,
		} {
			row = append(row, strconv.Itoa(n))
		}
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.printFindings(result)
}

func (a *auditCommand) printFindings(result audit.Result) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, f := range result.Findings {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.ID, f.Kind, f.Text)
	}
	if more := result.Imbalance - len(result.Findings); more > 0 {
		_, _ = fmt.Fprintf(w, "and %d more\n", more)
	}
	for _, r := range a.repairs {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID, r.Outcome, r.Text)
	}
	return w.Flush()
}
