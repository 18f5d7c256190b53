package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/lookup"
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
errcode, WeCom's msgid and the result for its recipients. --msgid looks a message up
by the msgid that WeCom gave it, --idempotency-key by the key it was sent with.
'wecomq results' searches many.`,
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

// recordLookup are the messages that somebody asks for.
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
	var failures []error
	show := func(record tasks.Record, err error) error {
		if err != nil {
			failures = append(failures, err)
			return nil
		}
		return g.printRecord(record)
	}
	for _, id := range l.ids {
		if err := show(findByID(ctx, d, id)); err != nil {
			return err
		}
	}
	for _, msgid := range l.msgids {
		if err := show(findByMsgID(ctx, d, l.app, msgid)); err != nil {
			return err
		}
	}
	if l.key != "" {
		if err := show(findByKey(ctx, d, l.app, l.key)); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

func findByID(ctx context.Context, d *daemon.Deployment, id string) (tasks.Record, error) {
	app, err := d.AppOf(id)
	if err != nil {
		return tasks.Record{}, err
	}
	return d.Finder(app).Message(ctx, tasks.MessageID(id))
}

func findByMsgID(ctx context.Context, d *daemon.Deployment, only, msgid string) (tasks.Record, error) {
	apps, err := appsOr(d, only)
	if err != nil {
		return tasks.Record{}, err
	}
	for _, app := range apps {
		record, err := d.Finder(app).ByMsgID(ctx, msgid)
		if !errors.Is(err, lookup.ErrNotFound) {
			return record, err
		}
	}
	for _, app := range apps { // the calls of broadcasts take longer
		call, err := d.Broadcasts(app).FindMsgID(ctx, msgid)
		if err != nil {
			return tasks.Record{}, err
		}
		if call != nil {
			return tasks.Record{}, fmt.Errorf("msgid %s: a call to %d recipients of broadcast %s: see 'wecomq broadcast report %s --msgid %s'",
				msgid, len(call.Rows), call.Broadcast.ID, call.Broadcast.ID, msgid)
		}
	}
	return tasks.Record{}, fmt.Errorf("msgid %s: %w", msgid, lookup.ErrNotFound)
}

func findByKey(ctx context.Context, d *daemon.Deployment, only, key string) (tasks.Record, error) {
	apps, err := appsOr(d, only)
	if err != nil {
		return tasks.Record{}, err
	}
	var found []tasks.Record
	for _, app := range apps {
		for _, owner := range config.KeyOwners(d.Config.Gateway.Tokens, app.Name) {
			record, err := d.Finder(app).ByKey(ctx, owner, key)
			if err == nil {
				found = append(found, record)
			} else if !errors.Is(err, lookup.ErrNotFound) {
				return tasks.Record{}, err
			}
		}
	}
	switch len(found) {
	case 0:
		return tasks.Record{}, fmt.Errorf("idempotency key %q: %w", key, lookup.ErrNotFound)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, record := range found {
		ids[i] = record.ID
	}
	return tasks.Record{}, usagef("idempotency key %q: several senders have used it, for %s; ask for one of these ids", key, strings.Join(ids, ", "))
}

func (g *globals) printRecord(r tasks.Record) error {
	if g.output != "text" {
		return printout.JSON(g.stdout, r)
	}
	return printout.Record(g.stdout, r, g.language())
}
