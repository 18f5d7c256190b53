package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
)

func newResult(g *globals) *cobra.Command {
	var app, key string
	var msgids []string
	cmd := &cobra.Command{
		Use:   "result ID…",
		Short: "Show the records of messages",
		Long: `Prints the record of each message, one JSON object per line: its state, attempts,
errcode, WeCom's msgid and the result for its recipients. --msgid looks up a message
by WeCom's msgid, --idempotency-key by the key it was sent with. 'wecomq results'
searches all records.`,
		Example: `  wecomq result ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq result -o text ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq result --msgid 'mK2f…'
  wecomq result --idempotency-key deploy-4812`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if len(ids) == 0 && len(msgids) == 0 && key == "" {
				return usagef("result: give an id, --msgid or --idempotency-key")
			}
			return runResult(cmd.Context(), g, recordLookup{app: app, ids: ids, msgids: msgids, key: key})
		},
	}
	lookAtApp(cmd, &app)
	cmd.Flags().StringArrayVar(&msgids, "msgid", nil, "look up by WeCom's `MSGID`; may be repeated")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "look up by the `KEY` that the message was sent with")
	return cmd
}

// recordLookup are the requested messages.
type recordLookup struct {
	app    string // of msgids and key
	ids    []string
	msgids []string
	key    string
}

func runResult(ctx context.Context, g *globals, l recordLookup) error {
	if err := validateIDs(l.ids); err != nil {
		return err
	}
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	apps, err := appsOr(d, l.app)
	if err != nil {
		return err
	}
	var failures []error
	show := func(record tasks.Record, err error) error {
		if err != nil {
			failures = append(failures, err)
			return nil
		}
		return g.printRecord(record)
	}
	for _, id := range l.ids {
		if err := show(d.Find(ctx, id)); err != nil {
			return err
		}
	}
	for _, msgid := range l.msgids {
		if err := show(d.FindMsgID(ctx, apps, msgid)); err != nil {
			return err
		}
	}
	if l.key != "" {
		if err := show(d.FindKey(ctx, apps, l.key)); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

func (g *globals) printRecord(r tasks.Record) error {
	if g.output != "text" {
		return printout.JSON(g.stdout, r)
	}
	return printout.Record(g.stdout, r, g.language())
}
