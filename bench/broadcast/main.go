package main

import (
	"context"
	"io"
	"os"

	"github.com/wecomq/wecomq/bench/stage"
)

const name = "broadcast"

func main() { os.Exit(stage.Main(run)) }

// run runs the command line: the benchmark, or one of the processes that the benchmark starts from its own binary.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case enqueueCommand:
			return stage.Report(name, runEnqueue(ctx, args[1:], stdout), stderr)
		case workCommand:
			return stage.Report(name, runWork(ctx, args[1:], stderr), stderr)
		}
	}
	settings, err := readSettings(args, stderr)
	if err != nil {
		return stage.ReportUsage(name, err, stderr)
	}
	return stage.Report(name, bench{settings, stdout, stderr}.run(ctx), stderr)
}
