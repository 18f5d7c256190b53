package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/printout"
)

func newBroadcastList(g *globals) *cobra.Command {
	var app, recipient string
	var limit int
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List broadcasts, newest first, or find those to one recipient",
		Long: `Lists the broadcasts of all apps of the config, or of --app, newest first within each app.

--recipient searches the newest 20 broadcasts of each app for a userid, and shows the
outcome (found in JSON).`,
		Example: "  wecomq broadcast ls\n  wecomq broadcast ls --app ops -o json\n  wecomq broadcast ls --recipient zhangsan",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			apps, err := appsOr(d, app)
			if err != nil {
				return err
			}
			return g.printBroadcasts(cmd.Context(), d, apps, limit, recipient)
		},
	}
	lookAtApp(cmd, &app)
	cmd.Flags().IntVar(&limit, "limit", 20, "list at most `N` for each app")
	cmd.Flags().StringVar(&recipient, "recipient", "", "only those to this `USER`, with the outcome")
	return cmd
}

func (g *globals) printBroadcasts(ctx context.Context, d *daemon.Deployment, apps []*config.App, limit int, recipient string) error {
	w := tabwriter.NewWriter(g.stdout, 0, 0, 2, ' ', 0)
	if g.output != "json" {
		titles := "ID\tSTATE\tRECIPIENTS\tACCEPTED\tFAILED\tPENDING\tCREATED\tBY\tENDS"
		if recipient != "" {
			titles += "\tOUTCOME"
		}
		_, _ = fmt.Fprintln(w, titles)
	}
	for _, app := range apps {
		all, err := d.BroadcastDesk(app).Statuses(ctx, limit, recipient)
		if err != nil {
			return err
		}
		for _, s := range all {
			if g.output == "json" {
				err = printout.JSON(g.stdout, s)
			} else {
				_, err = fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s%s\n", s.ID, s.State, s.Recipients, s.Counts.Accepted,
					s.Counts.Failed(), s.Counts.Pending, minuteText(s.CreatedAt), s.CreatedBy, minuteText(s.ETA), foundText(s.Found))
			}
			if err != nil {
				return err
			}
		}
	}
	return w.Flush()
}

// foundText is an additional column with the state of the recipient in the search.
func foundText(row *broadcast.Row) string {
	if row == nil {
		return ""
	}
	return "\t" + row.State
}

// minuteText formats a time to the minute, "" if there is none.
func minuteText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func newBroadcastStatus(g *globals) *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status ID",
		Short: "Show the progress of a broadcast, and when it will end",
		Long: `Prints the broadcast: its state, the number of recipients with each outcome, WeCom's
errcodes, and when it will end at the rate that the app's limits, its own --rate, its
hours and the day quota allow. The outcomes always add up to all recipients.

While it waits for approval, the command also shows three of the messages, and its share
of the day quota (review in JSON).

--watch shows the progress until it ends; Ctrl-C only stops watching.`,
		Example: "  wecomq broadcast status ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD --watch",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			d, desk, err := g.openBroadcast(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			defer d.Close()
			b, err := desk.Get(cmd.Context(), ids[0])
			if err == nil && watch {
				b, err = g.watchBroadcast(cmd.Context(), desk, b)
			}
			if err != nil {
				return broadcastError(err)
			}
			return g.printBroadcast(cmd.Context(), desk, b)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "show the progress until it ends")
	return cmd
}

func (g *globals) printBroadcast(ctx context.Context, desk *broadcast.Desk, b *broadcast.Broadcast) error {
	status, err := desk.Tell(context.WithoutCancel(ctx), b) // even after Ctrl-C
	if err != nil {
		return err
	}
	if g.output == "text" {
		return printBroadcastText(g.stdout, status)
	}
	return printout.JSON(g.stdout, status)
}

func printBroadcastText(out io.Writer, s broadcast.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	c := s.Counts
	rows := [][2]string{
		{"id", s.ID},
		{"state", strings.ReplaceAll(string(s.State), "_", " ")},
		{"type", string(s.Type)},
		{"recipients", fmt.Sprintf("%d in %d calls, %d calls done", s.Recipients, s.Calls, s.CallsDone)},
		{"outcomes", fmt.Sprintf("accepted %d, invalid %d, unlicensed %d, rejected %d, unknown %d, expired %d, cancelled %d, pending %d",
			c.Accepted, c.Invalid, c.Unlicensed, c.Rejected, c.Unknown, c.Expired, c.Cancelled, c.Pending)},
		{"duplicates", countText(s.Duplicates)},
		{"skipped", countText(s.Skipped)},
		{"errcodes", strings.TrimPrefix(fmt.Sprint(s.Errcodes), "map")},
		{"begins", printout.Time(s.At)},
		{"rate", countText(s.Rate)},
		{"between", s.Between},
		{"created", strings.TrimSpace(printout.Time(s.CreatedAt) + " by " + s.CreatedBy)},
		{"finished", printout.Time(s.FinishedAt)},
		{"ends about", printout.Time(s.ETA)},
	}
	for _, act := range slices.Sorted(maps.Keys(s.Acts)) {
		by := s.Acts[act]
		rows = append(rows, [2]string{act, printout.Time(by.At) + " by " + by.Actor})
	}
	if s.Review != nil {
		rows = append(rows, [2]string{"day quota", quotaCostText(s.Review.Quota)})
	}
	for _, row := range rows {
		if row[1] != "" && row[1] != "[]" {
			_, _ = fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	if err := w.Flush(); err != nil || s.Review == nil {
		return err
	}
	return printSamples(out, s.Review.Samples)
}

func countText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// watchPause is how often a watched broadcast is read.
const watchPause = time.Second

// watchBroadcast shows the progress of a broadcast until it ends, or ctx does.
func (g *globals) watchBroadcast(ctx context.Context, desk *broadcast.Desk, b *broadcast.Broadcast) (*broadcast.Broadcast, error) {
	show, end := g.broadcastProgress(b)
	defer end()
	for {
		status, err := desk.Tell(context.WithoutCancel(ctx), b)
		if err != nil {
			return b, err
		}
		show(status)
		if b.State.Over() && b.Counts.Pending == 0 {
			return b, nil
		}
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
			return b, nil
		}
		next, err := desk.Get(context.WithoutCancel(ctx), b.ID)
		if err != nil {
			return b, err
		}
		b = next
	}
}

// broadcastProgress is a bar on a terminal, which end removes, and elsewhere a line after each change.
func (g *globals) broadcastProgress(b *broadcast.Broadcast) (show func(broadcast.Status), end func()) {
	file := terminal(g.stderr)
	if file == nil {
		var last broadcast.Status
		return func(s broadcast.Status) {
			if s.Counts != last.Counts || s.State != last.State {
				_, _ = fmt.Fprintf(g.stderr, "%s: %d of %d\n", watchText(s), s.Recipients-s.Counts.Pending, s.Recipients)
			}
			last = s
		}, func() {}
	}
	bar := progressbar.NewOptions(b.Recipients,
		progressbar.OptionSetWriter(file), progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionClearOnFinish())
	return func(s broadcast.Status) {
		bar.Describe(watchText(s))
		_ = bar.Set(s.Recipients - s.Counts.Pending)
	}, func() { _ = bar.Clear() }
}

func watchText(s broadcast.Status) string {
	text := strings.ReplaceAll(string(s.State), "_", " ")
	if failed := s.Counts.Failed(); failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if !s.ETA.IsZero() {
		text += ", ends " + minuteText(s.ETA)
	}
	return text
}
