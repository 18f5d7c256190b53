package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/tasks"
)

func newBroadcast(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "broadcast",
		Short: "Send one message, or one template, to a list of people",
		Long: `A broadcast goes once to everybody on a list: either the same text, in calls of a
thousand recipients each, or a text for each recipient, from the list's columns. Workers
send it with priority bulk, so alerts overtake it. It can be paused, resumed and
cancelled at any time and from any host; its report has the outcome of each recipient.`,
		Args: cobra.ArbitraryArgs, // so that we report an unknown command
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q for \"wecomq broadcast\"%s; see 'wecomq broadcast --help'", args[0], suggestion(cmd, args[0]))
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newBroadcastCreate(g), newBroadcastList(g), newBroadcastStatus(g), newBroadcastReport(g), newBroadcastReplay(g), newBroadcastApprove(g))
	for _, control := range broadcastControls {
		cmd.AddCommand(newBroadcastControl(g, control))
	}
	return cmd
}

// openBroadcast opens the broadcast's desk; an invalid id is a usage error.
func (g *globals) openBroadcast(ctx context.Context, id string) (*daemon.Deployment, *broadcast.Desk, error) {
	name, err := tasks.ValidateBroadcastID(id)
	if err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	d, err := g.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	app, err := d.Config.App(name)
	if err != nil {
		d.Close()
		return nil, nil, err
	}
	return d, d.BroadcastDesk(app), nil
}

// broadcastControl is a command that changes the state of a broadcast.
type broadcastControl struct {
	verb, short, long string
	do                func(*broadcast.Store, context.Context, string, string) (*broadcast.Broadcast, error)
}

var broadcastControls = []broadcastControl{
	{"pause", "Stop a broadcast until it is resumed", "Calls in flight finish; no new call is made, on any host.", (*broadcast.Store).Pause},
	{"resume", "Resume a paused broadcast", "It continues with the recipients not reached yet.", (*broadcast.Store).Resume},
	{"cancel", "End a broadcast", `Recipients not reached count as cancelled. Calls in flight finish, and their outcome is
still recorded. 'wecomq recall' also recalls the messages already sent.`, (*broadcast.Store).Cancel},
}

func newBroadcastControl(g *globals, c broadcastControl) *cobra.Command {
	return &cobra.Command{
		Use:     c.verb + " ID",
		Short:   c.short,
		Long:    c.long + "\n\nPrints the resulting broadcast. Repeating the command changes nothing.",
		Example: "  wecomq broadcast " + c.verb + " ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			d, desk, err := g.openBroadcast(cmd.Context(), ids[0])
			if err != nil {
				return err
			}
			defer d.Close()
			b, err := c.do(desk.Store, acting(cmd.Context(), d), ids[0], actor())
			if err != nil {
				return broadcastError(err)
			}
			return g.printBroadcast(cmd.Context(), desk, b)
		},
	}
}

// broadcastError is a usage error if the command cannot be done as given.
func broadcastError(err error) error {
	_, state := errors.AsType[*broadcast.StateError](err)
	for _, refusal := range []error{broadcast.ErrOwnApproval, broadcast.ErrNotFound, broadcast.ErrNothingToReplay} {
		state = state || errors.Is(err, refusal)
	}
	if state {
		return &exitError{exitUsage, err}
	}
	return err
}
