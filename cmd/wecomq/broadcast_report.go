package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/printout"
)

// broadcastReportFlags are the flags of `wecomq broadcast report`.
type broadcastReportFlags struct {
	format, state, recipient, msgid string
	errcode                         int64
	bom                             bool
}

func newBroadcastReport(g *globals) *cobra.Command {
	f := &broadcastReportFlags{}
	cmd := &cobra.Command{
		Use:   "report ID",
		Short: "Export the outcome of each recipient",
		Long: `Writes one row for each recipient: recipient, state, errcode, errmsg, msgid, at. The state
is accepted, invalid (not a member, or the app is not visible to them), unlicensed,
rejected, unknown (WeCom may have it), expired, cancelled or pending. The command may run
while the broadcast is being sent.

In CSV, a text that a spreadsheet would read as a formula is prefixed with '. --bom lets
Excel read Chinese. --format json prints only the sums.`,
		Example: `  wecomq broadcast report ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD > report.csv
  wecomq broadcast report ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD --state invalid --format ndjson`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			switch f.format {
			case "csv", "ndjson", "json":
			default:
				return usagef("--format: %q is not one of csv, ndjson, json", f.format)
			}
			return f.run(cmd.Context(), g, ids[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "csv", "csv, ndjson, or json for the sums only")
	flags.StringVar(&f.state, "state", "", "only recipients in this `STATE`")
	flags.Int64Var(&f.errcode, "errcode", 0, "only recipients whose call had this errcode of WeCom")
	flags.StringVar(&f.recipient, "recipient", "", "only this `USER`")
	flags.StringVar(&f.msgid, "msgid", "", "only recipients of the call that got this `MSGID`")
	flags.BoolVar(&f.bom, "bom", false, "begin the CSV with a byte order mark, for Excel")
	return cmd
}

func (f *broadcastReportFlags) run(ctx context.Context, g *globals, id string) error {
	d, desk, err := g.openBroadcast(ctx, id)
	if err != nil {
		return err
	}
	defer d.Close()
	b, err := desk.Get(ctx, id) // so that there is no header for a broadcast that does not exist
	if err != nil {
		return broadcastError(err)
	}
	rows := broadcast.Selection{State: f.state, ErrCode: f.errcode, Recipient: f.recipient, MsgID: f.msgid}.Of(desk.Report(ctx, id))
	switch f.format {
	case "csv":
		return broadcast.WriteCSV(g.stdout, rows, f.bom)
	case "ndjson":
		return broadcast.WriteNDJSON(g.stdout, rows)
	default:
		status, err := desk.Tell(ctx, b)
		if err != nil {
			return err
		}
		return printout.JSON(g.stdout, status)
	}
}
