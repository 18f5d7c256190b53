package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/bench/stage"
)

func TestSettingsThatCannotBeMeasuredAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a way nobody knows":          {[]string{"-ways", "wecomq,river"}, `-ways: "river" is not one of wecomq,asynq,asynq-1s,reserve`},
		"no worker at all":            {[]string{"-workers", "1,0"}, `-workers: "0" is not a number from 1 to 64`},
		"workers that are no number":  {[]string{"-workers", "few"}, `-workers: "few" is not a number from 1 to 64`},
		"no limit":                    {[]string{"-calls-per-minute", "0"}, "-calls-per-minute: 0 is not between 2 and 60000"},
		"no time":                     {[]string{"-duration", "0s"}, "-duration: 0s is not between 0s and 1h"},
		"no end":                      {[]string{"-grace", "1h"}, "-warm-up and -grace: at most 10m each"},
		"no backlog":                  {[]string{"-backlog", "0"}, "-backlog: 0 is not between 1 and 1000000"},
		"alerts without a pause":      {[]string{"-alert-every", "0s"}, "-alert-every: 0s is less than 1ms"},
		"an odd delay":                {[]string{"-jitter", "100us"}, "-jitter: 100µs is not in whole milliseconds between 0s and 1s"},
		"clocks that run backwards":   {[]string{"-clock-error", "-1s"}, "-clock-error: -1s is not in whole seconds between 0s and 1h"},
		"a clock that cannot be set":  {[]string{"-clock-error", "30s", "-wecomq", "wecomq"}, "-clock-error needs a worker that is built for it"},
		"a word that is no flag":      {[]string{"now"}, `unknown argument "now"; see -help`},
		"a flag that does not exist":  {[]string{"-fast"}, "flag provided but not defined: -fast"},
		"several faults, all of them": {[]string{"-workers", "0", "-ways", "x"}, "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != stage.ExitUsage || !strings.Contains(stderr.String(), test.want) {
				t.Errorf("exit code %d, %s; want 2 and %s", code, &stderr, test.want)
			}
		})
	}
}

func TestHelpNamesEveryWayAndFlag(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != stage.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"  asynq-1s ", "-duration", "-backlog", "(default 100000)", "-workers LIST"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the help does not mention %q:\n%s", want, &stderr)
		}
	}
}

func TestDefaultSettingsMeasureEveryWay(t *testing.T) {
	t.Parallel()
	s, err := readSettings(nil, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.ways) != len(ways) || s.duration < time.Minute {
		t.Errorf("%+v, want every way and more than a minute", s)
	}
	if diff := cmp.Diff([]int{1, 3, 8}, s.workers); diff != "" {
		t.Errorf("workers (-want +got):\n%s", diff)
	}
}
