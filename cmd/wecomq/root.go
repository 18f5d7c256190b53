package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/groupcommit"
	"github.com/wecomq/wecomq/internal/harmless"
)

// environment is the part of the process that a command may access.
type environment struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	lookupEnv      func(string) (string, bool)
	hangup         <-chan os.Signal // SIGHUP
	quit           func()           // has the effect of SIGTERM
}

// globals are the flags of all commands.
type globals struct {
	environment
	configPath string
	logLevel   string
	logFormat  string
	output     string
}

// hangupAnnotation marks the commands that SIGHUP reloads; it ends the others.
const hangupAnnotation = "wecomq/hangup"

func reloadsOnHangup() map[string]string { return map[string]string{hangupAnnotation: "reload"} }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, env environment) int {
	env.stdout, env.stderr = guarded(env.stdout), guarded(env.stderr)
	g := &globals{environment: env}
	root := newRoot(g) //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(dashed(args))
	root.SetIn(env.stdin)
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		_, _ = fmt.Fprintln(env.stderr, "wecomq: "+err.Error())
	}
	return exitCode(err)
}

// dashed inserts dashes into `wecomq explain -1`: without them -1 would be a flag.
func dashed(args []string) []string {
	after := slices.Index(args, "explain") + 1
	if after == 0 || after == len(args) {
		return args
	}
	if n, err := strconv.Atoi(args[after]); err == nil && n < 0 {
		return slices.Concat(args[:after], args[after+1:], []string{"--", args[after]})
	}
	return args
}

func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "wecomq",
		Short: "Queue-backed dispatcher for WeCom (企业微信) application messages",
		Long: `wecomq queues WeCom (企业微信) application messages in Redis and sends them within
WeCom's limits: alerts before broadcasts, with retries, and with a result recorded
for every recipient.

  wecomq demo                                  try it without Redis and without a WeCom account
  wecomq send --to-user zhangsan --text hello  enqueue a message
  wecomq worker                                send queued messages
  wecomq result ID                             show the result of a message

Exit codes: 0 success, 1 failed, 2 usage, config or input is invalid, 3 a message
was not accepted, 4 timed out waiting.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs, // so that we report an unknown command
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q%s; see 'wecomq --help'", args[0], suggestion(cmd, args[0]))
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Annotations[hangupAnnotation] == "" {
				go g.quitOnHangup(cmd.Context())
			}
			return g.validate()
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&g.configPath, "config", "c", "", "config `FILE` (default $WECOMQ_CONFIG, then ./wecomq.yaml, then the environment)")
	flags.StringVar(&g.logLevel, "log-level", "", "debug, info, warn or error (default from the config)")
	flags.StringVar(&g.logFormat, "log-format", "", "json or console (default from the config, else console on a terminal)")
	flags.StringVarP(&g.output, "output", "o", "", "format of the results on stdout: text or json (default: the format that scripts expect from the command)")
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see '%s --help'", err, cmd.CommandPath())
	})
	root.AddCommand(
		newServe(g), newGateway(g), newWorker(g), newSend(g), newBroadcast(g), newResult(g), newResults(g), newRecall(g), newCard(g), newDead(g), newApp(g), newAudit(g), newActivity(g),
		newDemo(g), newSimulate(g), newCheck(g), newExplain(g), newTemplate(g), newToken(g), newVersion(g),
	)
	g.completeValues(root)
	return root
}

// quitOnHangup makes SIGHUP end a command that has nothing to reload.
func (g *globals) quitOnHangup(ctx context.Context) {
	select {
	case <-g.hangup:
		g.quit()
	case <-ctx.Done():
	}
}

func suggestion(cmd *cobra.Command, name string) string {
	if similar := cmd.SuggestionsFor(name); len(similar) > 0 {
		return fmt.Sprintf(", did you mean %q?", similar[0])
	}
	return ""
}

func (g *globals) validate() error {
	if g.output != "" && g.output != "text" && g.output != "json" {
		return usagef("--output: %q is neither text nor json", g.output)
	}
	if g.logFormat != "" && g.logFormat != "json" && g.logFormat != "console" {
		return usagef("--log-format: %q is neither json nor console", g.logFormat)
	}
	if _, err := zerolog.ParseLevel(g.logLevel); err != nil {
		return usagef("--log-level: %q is not one of debug, info, warn, error", g.logLevel)
	}
	return nil
}

// logger writes to stderr, in the form of the flags, else the given one, else the one that suits stderr.
func (g *globals) logger(level, format string) zerolog.Logger {
	if g.logLevel != "" {
		level = g.logLevel
	}
	if g.logFormat != "" {
		format = g.logFormat
	}
	var out io.Writer = groupcommit.NewWriter(harmless.NewWriter(g.stderr))
	if format == "console" || format == "" && isTerminal(g.stderr) { // it has colours, and quotes the rest
		out = zerolog.ConsoleWriter{Out: unguarded(g.stderr), TimeFormat: time.TimeOnly, NoColor: !isTerminal(g.stderr)}
	}
	parsed, err := zerolog.ParseLevel(level)
	if err != nil || level == "" {
		parsed = zerolog.InfoLevel
	}
	return zerolog.New(out).Level(parsed).With().Timestamp().Logger()
}

// arguments makes a wrong number of arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usagef("%w; see '%s --help'", err, cmd.CommandPath())
		}
		return nil
	}
}
