package main

import (
	"github.com/spf13/cobra"
)

func newTemplate(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Test webhook templates",
		Args:  arguments(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTemplateRender(g))
	return cmd
}
