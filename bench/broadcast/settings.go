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

// The ways to send.
const (
	wayWecomq = "wecomq"
	wayAsynq  = "asynq"
)

// settings are the settings of the command line.
type settings struct {
	ways       []string
	words      []string
	recipients []int
	workers    int
	alertEvery time.Duration
	asynqFor   time.Duration
	wecomq     string // path of the binary, "" to build one
}

const usage = `Usage: go run ./bench/broadcast [flags]

Measures a broadcast: the time that it takes to create and to send, its calls, the
memory of Redis and of each process, and how long alerts wait meanwhile. Prints a table
in Markdown on stdout. Each line of it is a trial with a redis-server, a simulator and
worker processes of its own. With the default flags it takes about an hour.

Ways: wecomq is wecomq broadcast create and wecomq worker; asynq is one asynq task per
recipient, and a handler that calls WeCom. Words: same for everybody, or own ones from
two columns of the list.

Flags:
`

func readSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	ways := flags.String("ways", wayWecomq+","+wayAsynq, "ways to send, `LIST` of names")
	words := flags.String("words", sameWords+","+ownWords, "what is sent, `LIST` of names")
	recipients := flags.String("recipients", "10000,100000,1000000", "numbers of recipients, `LIST`")
	flags.IntVar(&s.workers, "workers", 3, "number of worker processes")
	flags.DurationVar(&s.alertEvery, "alert-every", 200*time.Millisecond, "time between alerts, on average: each is drawn from 0 to twice this")
	flags.DurationVar(&s.asynqFor, "asynq-for", time.Minute,
		"let asynq enqueue and send for this long at most each; what is missing is extrapolated, and marked with ≈")
	flags.StringVar(&s.wecomq, "wecomq", "", "measure the wecomq at `PATH` instead of building one")
	if err := stage.ParseFlags(flags, args, usage, stderr); err != nil {
		return settings{}, err
	}
	var errs [3]error
	s.ways, errs[0] = readNames("-ways", *ways, wayWecomq, wayAsynq)
	s.words, errs[1] = readNames("-words", *words, sameWords, ownWords)
	s.recipients, errs[2] = stage.Counts("recipients", *recipients, maxRecipients)
	return s, errors.Join(errors.Join(errs[:]...), s.validate())
}

// validate names the first invalid setting.
func (s settings) validate() error {
	switch {
	case s.workers < 1 || s.workers > 64:
		return fmt.Errorf("-workers: %d is not between 1 and 64", s.workers)
	case s.alertEvery < time.Millisecond:
		return fmt.Errorf("-alert-every: %s is less than 1ms", s.alertEvery)
	case s.asynqFor < time.Millisecond || s.asynqFor > time.Hour:
		return fmt.Errorf("-asynq-for: %s is not between 1ms and 1h", s.asynqFor)
	}
	return nil
}

func readNames(flag, list string, known ...string) ([]string, error) {
	var chosen []string
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s: %q is not one of %s", flag, name, strings.Join(known, ","))
		}
		chosen = append(chosen, name)
	}
	return chosen, nil
}
