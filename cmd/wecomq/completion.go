package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// completeValues lets shells complete flags and arguments that have a fixed set of values.
func (g *globals) completeValues(root *cobra.Command) {
	byFlag, own, arguments := g.completions()
	visit(root, func(cmd *cobra.Command) {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
		if complete, ok := arguments[cmd.CommandPath()]; ok {
			cmd.ValidArgsFunction = complete
		}
		cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
			complete, ok := own[cmd.CommandPath()+" --"+flag.Name]
			if !ok {
				complete, ok = byFlag[flag.Name]
			}
			if ok {
				_ = cmd.RegisterFlagCompletionFunc(flag.Name, complete) // an error means that there is one already
			}
		})
	})
}

// completions are those of flags by name, those of single commands' flags, and those of arguments.
func (g *globals) completions() (byFlag, own, arguments map[string]cobra.CompletionFunc) {
	byFlag = map[string]cobra.CompletionFunc{
		"app": g.completeApps, "apps": g.completeApps,
		"state": oneOf(tasks.States()...), "priority": oneOf(tasks.Priorities()...), "errcode": g.completeErrcodes,
		"scopes": oneOf(config.Scopes()...), "action": oneOf(activity.Actions()...),
		"type": oneOf("markdown", "text", "textcard", "template_card"), "source": oneOf(append([]string{string(webhook.Alertmanager), string(webhook.Grafana)}, webhook.Presets()...)...),
		"format": oneOf("table", "ndjson", "csv"), "encoding": oneOf(compose.Encodings()...), "header": oneOf("auto", "yes", "no"),
		"output": oneOf("text", "json"), "log-format": oneOf("console", "json"), "log-level": oneOf("debug", "info", "warn", "error"),
	}
	own = map[string]cobra.CompletionFunc{
		"wecomq broadcast report --state":  oneOf(broadcast.RecipientStates()...),
		"wecomq dead ls --state":           oneOf(tasks.DeadStates()...),
		"wecomq broadcast report --format": oneOf("csv", "ndjson", "json"),
		"wecomq broadcast create --type":   oneOf("text", "markdown"),
	}
	arguments = map[string]cobra.CompletionFunc{
		"wecomq explain": g.completeErrcodes, "wecomq audit": g.completeApps,
		"wecomq app pause": g.completeApps, "wecomq app resume": g.completeApps, "wecomq app forget": g.completeApps,
	}
	return byFlag, own, arguments
}

func visit(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, child := range cmd.Commands() {
		visit(child, do)
	}
}

func oneOf[T ~string](words ...T) cobra.CompletionFunc {
	choices := make([]cobra.Completion, len(words))
	for i, word := range words {
		choices[i] = string(word)
	}
	return cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
}

// completeApps completes the apps of the config; none without a valid one.
func (g *globals) completeApps(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return cfg.AppNames(), cobra.ShellCompDirectiveNoFileComp
}

func (g *globals) completeErrcodes(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var choices []cobra.Completion
	for _, code := range wecom.Codes() {
		choices = append(choices, cobra.CompletionWithDesc(strconv.FormatInt(int64(code), 10), fmt.Sprintf("%s (%s)", code.MeaningIn(g.language()), code.Class())))
	}
	return choices, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
