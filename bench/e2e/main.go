package main

import (
	"context"
	"io"
	"os"

	"github.com/wecomq/wecomq/bench/stage"
)

const name = "e2e"

func main() { os.Exit(stage.Main(run)) }

// run runs the command line: the benchmark, or one of the processes that the benchmark starts from its own
// binary, WeCom or a worker of another way.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case wecomCommand:
			return stage.Report(name, serveWeCom(ctx, stderr), stderr)
		case rivalCommand:
			return stage.Report(name, runRival(ctx, args[1:]), stderr)
		}
	}
	settings, err := readSettings(args, stderr)
	if err != nil {
		return stage.ReportUsage(name, err, stderr)
	}
	return stage.Report(name, bench{settings, stdout, stderr}.run(ctx), stderr)
}
