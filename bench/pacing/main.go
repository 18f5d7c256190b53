package main

import (
	"context"
	"io"
	"os"

	"github.com/wecomq/wecomq/bench/stage"
)

const name = "pacing"

func main() { os.Exit(stage.Main(run)) }

// run does what the command line says: the benchmark, or what the benchmark starts
// itself as, a worker of one of the other ways.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == baselineCommand {
		return stage.Report(name, runBaseline(ctx, args[1:], stderr), stderr)
	}
	settings, err := readSettings(args, stderr)
	if err != nil {
		return stage.ReportUsage(name, err, stderr)
	}
	return stage.Report(name, bench{settings, stdout, stderr}.run(ctx), stderr)
}
