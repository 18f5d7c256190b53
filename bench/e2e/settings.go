package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
)

// settings are the settings of the command line.
type settings struct {
	ways        []string
	messages    int
	concurrency int
	runs        int
	delays      []time.Duration // round trips to Redis, one setting after the other
	delay       time.Duration   // that of this trial
	probes      int             // messages whose latency is measured, 0 for none
	idleApps    int             // of a worker without messages, 0 for no such worker
	idleFor     time.Duration   // how long that worker is measured
	growth      bool            // measured instead of all this
	queued      []int           // then, one after the other: messages in the queue
	workers     []int           // processes
	apps        []int
	processes   int    // workers of this trial
	wecomq      string // path of the binary, "" to build one
}

const usage = `Usage: go run ./bench/e2e [flags]

Measures how many messages a second one worker process delivers from a full queue, and
the processor time that each costs the worker and Redis. Prints a table in Markdown on
stdout: the median of several runs, in turn, each with a redis-server, an HTTP server in
WeCom's place and a worker process of its own. Then the time from Send to the call of
WeCom, and what a worker costs that has many apps and nothing to do. With -growth: what
becomes slower with a longer queue, more workers and more apps.

The ways to send:
  wecomq   wecomq worker, with records, pacing, results and metrics
  asynq    an asynq server whose handler calls WeCom and keeps nothing
  pattern  the same with the limiter of asynq's page on rate limits, set out of the way
  loop     a loop that calls WeCom: no queue, no Redis

Flags:
`

// The ways to send.
const (
	wayWecomq  = "wecomq"
	wayAsynq   = "asynq"
	wayPattern = "pattern"
	wayLoop    = "loop"
)

func ways() []string { return []string{wayWecomq, wayAsynq, wayPattern, wayLoop} }

func readSettings(args []string, stderr io.Writer) (settings, error) {
	s := settings{processes: 1}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	list := flags.String("ways", strings.Join(ways(), ","), "ways to send, `LIST` of names")
	flags.IntVar(&s.messages, "messages", 20_000, "messages in each run, each to another member")
	flags.IntVar(&s.concurrency, "concurrency", 64, "calls in flight")
	flags.IntVar(&s.runs, "runs", 3, "runs of each way")
	delays := flags.String("delays", "0s,100us,2ms", "measure with these round trips to Redis, a `LIST` of durations")
	flags.IntVar(&s.probes, "probes", 500, "then send this number of messages one by one to an idle worker, and at 300 a second")
	flags.IntVar(&s.idleApps, "idle-apps", 200, "then watch a worker with this number of apps and no messages")
	flags.DurationVar(&s.idleFor, "idle-for", time.Minute, "how long to watch it")
	flags.BoolVar(&s.growth, "growth", false, "measure instead what grows with the queue, the workers and the apps")
	queued := flags.String("queued", "1000,10000,100000,1000000", "messages in the queue for -growth, `LIST`; -messages of them are sent")
	workers := flags.String("workers", "1,2,4,8", "worker processes for -growth, `LIST`")
	apps := flags.String("apps", "1,20,200", "apps for -growth, `LIST`")
	flags.StringVar(&s.wecomq, "wecomq", "", "measure the wecomq at `PATH` instead of building one")
	if err := stage.ParseFlags(flags, args, usage, stderr); err != nil {
		return settings{}, err
	}
	s.ways = strings.Split(*list, ",")
	for text := range strings.SplitSeq(*delays, ",") {
		delay, err := time.ParseDuration(text)
		if err != nil {
			return settings{}, fmt.Errorf("-delays: %w", err)
		}
		s.delays = append(s.delays, delay)
	}
	var errs [3]error
	s.queued, errs[0] = stage.Counts("queued", *queued, 10_000_000)
	s.workers, errs[1] = stage.Counts("workers", *workers, 64)
	s.apps, errs[2] = stage.Counts("apps", *apps, 1000)
	return s, errors.Join(append(errs[:], s.validate())...)
}

// validate names the first invalid setting.
func (s settings) validate() error {
	for _, way := range s.ways {
		if !slices.Contains(ways(), way) {
			return fmt.Errorf("-ways: %q is not one of %s", way, strings.Join(ways(), ", "))
		}
	}
	for _, n := range []struct {
		flag             string
		value, min, most int
	}{
		{"messages", s.messages, 100, 1_000_000},
		{"concurrency", s.concurrency, 2, 1000},
		{"runs", s.runs, 1, 100},
		{"probes", s.probes, 0, 10_000},
		{"idle-apps", s.idleApps, 0, 1000},
	} {
		if n.value < n.min || n.value > n.most {
			return fmt.Errorf("-%s: %d is not between %d and %d", n.flag, n.value, n.min, n.most)
		}
	}
	for _, delay := range s.delays {
		if delay < 0 || delay > time.Second {
			return fmt.Errorf("-delays: %s is not between 0s and 1s", delay)
		}
	}
	if s.idleFor < 0 || s.idleFor > time.Hour {
		return fmt.Errorf("-idle-for: %s is not between 0s and 1h", s.idleFor)
	}
	return nil
}
