package main

import (
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
)

// actOnApp adds the flag of a command that changes something: of several apps one must be named.
func actOnApp(cmd *cobra.Command, app *string) {
	cmd.Flags().StringVar(app, "app", "", "alias of the `APP` in the config; may be left out if the config has only one")
}

// lookAtApp adds the flag of a command that only reads.
func lookAtApp(cmd *cobra.Command, app *string) {
	cmd.Flags().StringVar(app, "app", "", "only this `APP` (default: all apps of the config)")
}

// appsOr returns the named app, or all in the order of their names.
func appsOr(d *daemon.Deployment, only string) ([]*config.App, error) {
	if only == "" {
		return d.Apps(), nil
	}
	return d.AppsNamed(only)
}
