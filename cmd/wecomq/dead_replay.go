package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
)

// replayFlags are the flags of `wecomq dead replay`.
type replayFlags struct {
	span

	app            string
	recipient      string
	all            bool
	errCode        int64
	includeUnknown bool
}

func newDeadReplay(g *globals) *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "replay ID… | --all [--errcode N] [--since T] [--until T] [--recipient USER]",
		Short: "Send dead letters again, to those who did not get them",
		Long: `Enqueues a new message for each dead letter: a rejected or unknown one to all its
recipients, a partial one to those whom WeCom refused. The new message has no
deadline. The old record says replayed_as, the new one replay_of; replaying a message
again has no effect. Prints one line for each:
{"id","replayed_as","queue","recipients","duplicate"}.

An unknown message may have arrived, and a replay would duplicate it: it is replayed
only by its id, or with --include-unknown. A partial one is replayed only by its id.`,
		Example: `  wecomq dead replay ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq dead replay --app ops --all --errcode 60011`,
		Args: arguments(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, ids []string) error {
			withErrCode := cmd.Flags().Changed("errcode")
			if err := f.validate(ids, withErrCode); err != nil {
				return err
			}
			query, err := f.query(withErrCode, time.Now())
			if err != nil {
				return err
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			ctx, r := acting(cmd.Context(), d), &replayer{globals: g, deployment: d}
			if f.all {
				return r.all(ctx, f.app, query)
			}
			return r.named(ctx, ids)
		},
	}
	flags := cmd.Flags()
	actOnApp(cmd, &f.app)
	flags.BoolVar(&f.all, "all", false, "all rejected messages of the app; if the config has several apps, --app names one")
	flags.Int64Var(&f.errCode, "errcode", 0, "with --all: only those with this `ERRCODE`")
	f.span.register(cmd)
	flags.StringVar(&f.recipient, "recipient", "", "with --all: only those to this `USER`, party or tag, named in the message")
	flags.BoolVar(&f.includeUnknown, "include-unknown", false, "with --all: also those that WeCom may have accepted; they may arrive twice")
	return cmd
}

func (f *replayFlags) validate(ids []string, withErrCode bool) error {
	switch {
	case f.all && len(ids) > 0:
		return usagef("dead replay: give ids or --all, not both")
	case !f.all && len(ids) == 0:
		return usagef("dead replay: give ids, or --all; see 'wecomq dead replay --help'")
	case !f.all && (withErrCode || f.chooses()):
		return usagef("dead replay: --errcode, --since, --until, --recipient and --include-unknown go with --all")
	}
	if err := validateIDs(ids); err != nil || f.app == "" {
		return err
	}
	for _, id := range ids {
		if app, _ := tasks.AppOf(id); app != f.app {
			return usagef("dead replay: %s is of app %s, not of --app %s", id, app, f.app)
		}
	}
	return nil
}

// chooses reports whether a flag selects some of all dead letters.
func (f *replayFlags) chooses() bool {
	return f.includeUnknown || f.recipient != "" || f.span != span{}
}

func (f *replayFlags) query(withErrCode bool, now time.Time) (ledger.Query, error) {
	q := ledger.Query{States: []tasks.State{tasks.Rejected}, Recipient: f.recipient}
	if f.includeUnknown {
		q.States = append(q.States, tasks.Unknown)
	}
	if withErrCode {
		q.ErrCode = &f.errCode
	}
	var err error
	q.Since, q.Until, err = f.times(now)
	return q, err
}

// replayer replays messages and counts the results.
type replayer struct {
	*globals
	deployment                 *daemon.Deployment
	replayed, before, failures int
}

func (r *replayer) named(ctx context.Context, ids []string) error {
	var problems []error
	for _, id := range ids {
		op, err := r.deployment.OperatorOf(id)
		if err != nil {
			return err
		}
		replays, err := op.Replay(ctx, id)
		for _, replay := range replays {
			if err := r.show(replay); err != nil {
				return err
			}
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (r *replayer) all(ctx context.Context, name string, query ledger.Query) error {
	if apps := r.deployment.Config.AppNames(); name == "" && len(apps) > 1 {
		return usagef("dead replay: --all is about one app: name one of %s with --app", strings.Join(apps, ", "))
	}
	app, err := r.deployment.Config.App(name)
	if err != nil {
		return err
	}
	op, err := r.deployment.Operator(app)
	if err != nil {
		return err
	}
	var unprinted error
	err = op.ReplayAll(ctx, query, func(replay operator.Replay, err error) bool {
		if err != nil {
			r.failures++
			_, _ = fmt.Fprintf(r.stderr, "%v\n", err)
			return true
		}
		unprinted = r.show(replay)
		return unprinted == nil
	})
	if err := errors.Join(err, unprinted); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(r.stderr, "replayed: %d, replayed before: %d, failed: %d\n", r.replayed, r.before, r.failures)
	if r.failures > 0 {
		return fmt.Errorf("not replayed: %d", r.failures)
	}
	return nil
}

func (r *replayer) show(replay operator.Replay) error {
	if replay.Duplicate {
		r.before++
	} else {
		r.replayed++
	}
	if replay.Warning != "" && !replay.Duplicate {
		_, _ = fmt.Fprintf(r.stderr, "%s: %s\n", replay.ID, replay.Warning)
	}
	if r.output != "text" {
		return printout.JSON(r.stdout, replay)
	}
	text := fmt.Sprintf("%s  replayed as %s for %d recipients", replay.ID, replay.ReplayedAs, replay.Recipients)
	if replay.Duplicate {
		text += ", earlier"
	}
	_, err := fmt.Fprintln(r.stdout, text)
	return err
}
