package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/broadcast"
)

func newBroadcastReplay(g *globals) *cobra.Command {
	var r broadcast.Replay
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Send a finished broadcast again to recipients it did not reach",
		Long: `Creates a broadcast with the same text for recipients who were invalid, unlicensed,
rejected or expired, and prints it; --errcode selects some of them. Repeating the command
with the same flags returns the same broadcast. Recipients who may already have the
message are left out unless --include-unknown is given. Recipients of an earlier replay
are left out, too: replay that one instead.`,
		Example: "  wecomq broadcast replay ops-BQ3Z8KX5M0V7C2N4T9R6WJ1YHD --errcode 60020",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return g.replayBroadcast(cmd.Context(), ids[0], r)
		},
	}
	cmd.Flags().Int64Var(&r.ErrCode, "errcode", 0, "only those whose call had this errcode of WeCom")
	cmd.Flags().BoolVar(&r.IncludeUnknown, "include-unknown", false, "also those who may already have it; they may get it twice")
	return cmd
}

func (g *globals) replayBroadcast(ctx context.Context, id string, r broadcast.Replay) error {
	d, desk, err := g.openBroadcast(ctx, id)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx = acting(ctx, d)
	b, duplicate, err := desk.Replay(ctx, id, r, actor())
	if err != nil {
		return broadcastError(err)
	}
	return g.printCreated(ctx, desk, b, duplicate)
}
