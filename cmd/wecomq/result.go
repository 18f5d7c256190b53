package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/status"
	"github.com/wecomq/wecomq/tasks"
)

func newResult(g *globals) *cobra.Command {
	var app string
	var msgids []string
	cmd := &cobra.Command{
		Use:   "result ID…",
		Short: "Show what became of a message",
		Long: `Prints the record of each message, one JSON object per line: its state, attempts,
errcode, WeCom's msgid and what became of its recipients. --msgid looks a message
up by the msgid that WeCom gave it.`,
		Example: `  wecomq result ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq result -o text ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq result --msgid 'mK2f…'`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if len(ids) == 0 && len(msgids) == 0 {
				return usagef("result: give an id or --msgid")
			}
			return runResult(cmd.Context(), g, app, ids, msgids)
		},
	}
	cmd.Flags().StringVar(&app, "app", "", "look for --msgid only in this `APP` (default: all apps of the config)")
	cmd.Flags().StringArrayVar(&msgids, "msgid", nil, "look up by WeCom's `MSGID`; may be repeated")
	return cmd
}

func runResult(ctx context.Context, g *globals, app string, ids, msgids []string) error {
	for _, id := range ids {
		if _, err := tasks.AppOf(id); err != nil {
			return &exitError{exitUsage, err}
		}
	}
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	var failures []error
	show := func(record tasks.Record, err error) error {
		if err != nil {
			failures = append(failures, err)
			return nil
		}
		return g.printRecord(record)
	}
	for _, id := range ids {
		if err := show(d.byID(ctx, id)); err != nil {
			return err
		}
	}
	for _, msgid := range msgids {
		if err := show(d.byMsgID(ctx, app, msgid)); err != nil {
			return err
		}
	}
	return errors.Join(failures...)
}

func (d *deployment) byID(ctx context.Context, id string) (tasks.Record, error) {
	name, err := tasks.AppOf(id)
	if err != nil {
		return tasks.Record{}, err
	}
	app, err := d.app(name)
	if err != nil {
		return tasks.Record{}, err
	}
	return d.finder(app).Message(ctx, tasks.MessageID(id))
}

func (d *deployment) byMsgID(ctx context.Context, only, msgid string) (tasks.Record, error) {
	if only != "" {
		app, err := d.app(only)
		if err != nil {
			return tasks.Record{}, err
		}
		return d.finder(app).ByMsgID(ctx, msgid)
	}
	for _, app := range d.cfg.Apps {
		record, err := d.finder(app).ByMsgID(ctx, msgid)
		if !errors.Is(err, status.ErrNotFound) {
			return record, err
		}
	}
	return tasks.Record{}, fmt.Errorf("msgid %s: %w", msgid, status.ErrNotFound)
}

func (g *globals) printRecord(r tasks.Record) error {
	if g.output != "text" {
		return printJSON(g.stdout, r)
	}
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"id", r.ID},
		{"state", string(r.State)},
		{"type", fmt.Sprintf("%s, priority %s", r.Type, r.Priority)},
		{"errcode", strconv.FormatInt(r.ErrCode, 10)},
		{"errmsg", r.ErrMsg},
		{"msgid", r.MsgID},
		{"response_code", r.ResponseCode},
		{"attempts", strconv.Itoa(r.Attempts)},
		{"recipients", recipientsText(r.Recipients)},
		{"enqueued", timeText(r.EnqueuedAt)},
		{"finished", timeText(r.FinishedAt)},
		{"parts", partsText(r)},
		{"warning", warningText(r)},
	} {
		if row[1] != "" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	_, _ = fmt.Fprintln(w)
	return w.Flush()
}

func recipientsText(r tasks.Recipients) string {
	texts := []string{fmt.Sprintf("%d accepted", r.Accepted)}
	for _, refused := range []struct {
		ids  []string
		what string
	}{
		{r.Invalid, "invalid"},
		{r.Unlicensed, "unlicensed"},
		{r.InvalidParties, "invalid parties"},
		{r.InvalidTags, "invalid tags"},
	} {
		if len(refused.ids) > 0 {
			texts = append(texts, fmt.Sprintf("%d %s (%s)", len(refused.ids), refused.what, strings.Join(refused.ids, " ")))
		}
	}
	return strings.Join(texts, ", ")
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000 -07:00")
}

func partsText(r tasks.Record) string {
	if len(r.Parts) == 0 {
		return ""
	}
	texts := make([]string, len(r.Parts))
	for i, part := range r.Parts {
		texts[i] = fmt.Sprintf("%s %s", part.ID, part.State)
	}
	return strings.Join(texts, ", ")
}

func warningText(r tasks.Record) string {
	if r.PossibleDuplicate {
		return "sent again after an attempt without an answer: it may have arrived twice"
	}
	return ""
}
