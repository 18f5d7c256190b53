package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// settings are the settings of the command line.
type settings struct {
	ways       []way
	workers    []int // processes, one trial for each
	limit      int   // calls a minute
	duration   time.Duration
	warmUp     time.Duration
	grace      time.Duration
	backlog    int
	alertEvery time.Duration
	jitter     time.Duration // to WeCom
	clockError time.Duration // of the workers
	wecomq     string        // path of the binary, "" to build one
}

const usage = `Usage: go run ./bench/pacing [flags]

Measures how well workers keep to WeCom's limit of calls a minute while a backlog
waits at it, and how long alerts take to overtake that backlog. Prints a table in
Markdown on stdout. Each line of it is a trial with a redis-server, a simulator and
worker processes of its own. With the default flags it takes about 20 minutes.

The ways to send:
%s
Flags:
`

func readSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	ways := flags.String("ways", joinWays(), "ways to send, `LIST` of names")
	workers := flags.String("workers", "1,3,8", "numbers of worker processes, `LIST`")
	flags.IntVar(&s.limit, "calls-per-minute", 600, "the limit, for the workers and the simulator")
	flags.DurationVar(&s.duration, "duration", 75*time.Second, "how long each trial is measured; use more than 1m")
	flags.DurationVar(&s.warmUp, "warm-up", 3*time.Second, "how long a trial runs before it is measured")
	flags.DurationVar(&s.grace, "grace", 20*time.Second, "how long to wait at the end for alerts that have not arrived")
	flags.IntVar(&s.backlog, "backlog", 100_000, "bulk messages that wait, each to another member")
	flags.DurationVar(&s.alertEvery, "alert-every", 500*time.Millisecond, "time between alerts, on average: each is drawn from 0 to twice this")
	flags.DurationVar(&s.jitter, "jitter", 0, "delay each call on its way to WeCom by a random time, `MEAN` on average and at most twice that")
	flags.DurationVar(&s.clockError, "clock-error", 0,
		"set the clocks of wecomq's workers ahead by this and behind by this, in turn; the worker is built for it, which takes minutes")
	flags.StringVar(&s.wecomq, "wecomq", "", "measure the wecomq at `PATH` instead of building one")
	if err := stage.ParseFlags(flags, args, fmt.Sprintf(usage, describeWays()), stderr); err != nil {
		return settings{}, err
	}
	var waysErr, workersErr error
	s.ways, waysErr = readWays(*ways)
	s.workers, workersErr = stage.Counts("workers", *workers, 64)
	return s, errors.Join(waysErr, workersErr, s.validate())
}

// validate names the first invalid setting.
func (s settings) validate() error {
	switch {
	case s.limit < 2 || s.limit > 60_000:
		return fmt.Errorf("-calls-per-minute: %d is not between 2 and 60000", s.limit)
	case s.duration <= 0 || s.duration > time.Hour:
		return fmt.Errorf("-duration: %s is not between 0s and 1h", s.duration)
	case min(s.warmUp, s.grace) < 0 || max(s.warmUp, s.grace) > 10*time.Minute:
		return errors.New("-warm-up and -grace: at most 10m each, and not negative")
	case s.backlog < 1 || s.backlog > 1_000_000:
		return fmt.Errorf("-backlog: %d is not between 1 and 1000000", s.backlog)
	case s.alertEvery < time.Millisecond:
		return fmt.Errorf("-alert-every: %s is less than 1ms", s.alertEvery)
	}
	return s.validateFaults()
}

func (s settings) validateFaults() error {
	switch {
	case s.jitter < 0 || s.jitter > time.Second || s.jitter%time.Millisecond != 0:
		return fmt.Errorf("-jitter: %s is not in whole milliseconds between 0s and 1s", s.jitter)
	case s.clockError < 0 || s.clockError > time.Hour || s.clockError%time.Second != 0:
		return fmt.Errorf("-clock-error: %s is not in whole seconds between 0s and 1h", s.clockError)
	case s.clockError > 0 && s.wecomq != "":
		return errors.New("-clock-error needs a worker that is built for it: leave -wecomq out")
	}
	return nil
}
