package stage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// The exit codes of a benchmark.
const (
	ExitDone    = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// Program is a benchmark, or one of the processes that it starts from its own binary.
type Program func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Main runs it until it ends or is interrupted; a second signal ends the process at once.
// It returns the exit code.
func Main(run Program) int {
	SilenceClients()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// Report prints the error with which a benchmark ended, if any, and returns the exit code.
func Report(name string, err error, stderr io.Writer) int {
	if err == nil {
		return ExitDone
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return ExitFailure
}

// ReportUsage does the same for an invalid command line.
func ReportUsage(name string, err error, stderr io.Writer) int {
	if errors.Is(err, flag.ErrHelp) {
		return ExitDone
	}
	_ = Report(name, err, stderr)
	return ExitUsage
}

// ParseFlags parses the flags, and prints usage and the flags if help is requested. The caller prints errors. No
// arguments may follow the flags.
func ParseFlags(flags *flag.FlagSet, args []string, usage string, stderr io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprint(stderr, usage)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unknown argument %q; see -help", flags.Arg(0))
	}
	return err
}

// Counts reads a list of numbers from 1 to most, which is the value of a flag.
func Counts(flag, list string, most int) ([]int, error) {
	var counts []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > most {
			return nil, fmt.Errorf("-%s: %q is not a number from 1 to %d", flag, text, most)
		}
		counts = append(counts, n)
	}
	return slices.Compact(counts), nil
}

// InDirectory calls measure with a directory for temporary files, and the path of wecomq, which is built if it is "".
func InDirectory(ctx context.Context, wecomq string, measure func(dir, wecomq string) error) error {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if wecomq == "" {
		if wecomq, err = Build(ctx, dir); err != nil {
			return interrupted(ctx, err)
		}
	}
	return interrupted(ctx, measure(dir, wecomq))
}

// interrupted is what err means if ctx has ended.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}
