package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/wecomq/wecomq/bench/stage"
)

func main() {
	stage.SilenceClients()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitDone    = 0
	exitFailure = 1
	exitUsage   = 2
)

// run does what the command line says: the benchmark, or what the benchmark starts
// itself as, a worker of one of the other ways.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == baselineCommand {
		return report(runBaseline(ctx, args[1:], stderr), stderr)
	}
	settings, err := readSettings(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDone
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "pacing: %v\n", err)
		return exitUsage
	}
	return report(bench{settings, stdout, stderr}.run(ctx), stderr)
}

func report(err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	_, _ = fmt.Fprintf(stderr, "pacing: %v\n", err)
	return exitFailure
}
