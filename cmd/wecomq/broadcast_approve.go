package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/printout"
)

func newBroadcastApprove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "approve ID",
		Short: "Release a broadcast that waits for approval",
		Long: `A broadcast that was created with --approve, or goes to more people than the config's
broadcast.approval_above, waits until somebody other than its creator approves it.

Shows on stderr what would be sent: three of the messages, the recipients, duplicates and
calls, its share of the day quota, and when it would end. On a terminal it asks
before it releases the broadcast; a script should check first: 'wecomq broadcast status ID'
shows the same.

Prints the resulting broadcast; in JSON, review is what was shown. Repeating the command
changes nothing.`,
		Example: "  wecomq broadcast approve ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, ids []string) error { return g.approveBroadcast(cmd.Context(), ids[0]) },
	}
}

func (g *globals) approveBroadcast(ctx context.Context, id string) error {
	d, desk, err := g.openBroadcast(ctx, id)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx = acting(ctx, d)
	b, err := desk.Get(ctx, id)
	if err != nil {
		return broadcastError(err)
	}
	var review *broadcast.Review
	if b.MayApprove(actor()) == nil { // otherwise the error below says so and is recorded
		if review, err = g.reviewBroadcast(ctx, desk, b); err != nil {
			return err
		}
	}
	if b, err = desk.Approve(ctx, id, actor()); err != nil {
		return broadcastError(err)
	}
	status, err := desk.Tell(ctx, b)
	if err != nil {
		return err
	}
	if g.output == "text" {
		return printBroadcastText(g.stdout, status)
	}
	status.Review = review
	return printout.JSON(g.stdout, status)
}

// reviewBroadcast shows a broadcast that waits for approval, and asks on a terminal whether to release it.
func (g *globals) reviewBroadcast(ctx context.Context, desk *broadcast.Desk, b *broadcast.Broadcast) (*broadcast.Review, error) {
	status, err := desk.Tell(ctx, b)
	if err != nil || status.Review == nil {
		return nil, err
	}
	if err := printBroadcastText(g.stderr, status); err != nil {
		return nil, err
	}
	if !isTerminal(g.stdin) || !isTerminal(g.stderr) {
		return status.Review, nil
	}
	if !g.confirm(ctx, fmt.Sprintf("\nRelease it to %d recipients?", b.Recipients)) {
		return nil, fmt.Errorf("%s was not approved, and still waits", b.ID)
	}
	return status.Review, nil
}

// confirm asks on the terminal; Ctrl-C means no.
func (g *globals) confirm(ctx context.Context, question string) bool {
	_, _ = fmt.Fprint(g.stderr, question, " [y/N] ")
	answer := make(chan string, 1)
	go func() { // after Ctrl-C it ends with the process
		line, _ := bufio.NewReader(g.stdin).ReadString('\n') // an empty answer means no
		answer <- line
	}()
	select {
	case line := <-answer:
		line = strings.ToLower(strings.TrimSpace(line))
		return line == "y" || line == "yes"
	case <-ctx.Done():
		_, _ = fmt.Fprintln(g.stderr)
		return false
	}
}
