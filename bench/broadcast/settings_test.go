package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/bench/stage"
)

func TestSettingsThatCannotBeMeasuredAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a way nobody knows":         {[]string{"-ways", "wecomq,listmonk"}, `-ways: "listmonk" is not one of wecomq,asynq`},
		"words nobody knows":         {[]string{"-words", "other"}, `-words: "other" is not one of same,own`},
		"nobody to send to":          {[]string{"-recipients", "10,0"}, `-recipients: "0" is not a number from 1 to 10000000`},
		"recipients in words":        {[]string{"-recipients", "many"}, `-recipients: "many" is not a number from 1 to 10000000`},
		"no worker at all":           {[]string{"-workers", "0"}, "-workers: 0 is not between 1 and 64"},
		"alerts without a pause":     {[]string{"-alert-every", "0s"}, "-alert-every: 0s is less than 1ms"},
		"no time for asynq":          {[]string{"-asynq-for", "0s"}, "-asynq-for: 0s is not between 1ms and 1h"},
		"a word that is no flag":     {[]string{"now"}, `unknown argument "now"; see -help`},
		"a flag that does not exist": {[]string{"-fast"}, "flag provided but not defined: -fast"},
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

func TestHelpNamesEveryFlag(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != stage.ExitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"-recipients LIST", "-words LIST", "-ways LIST", "-asynq-for", "(default 3)"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the help does not mention %q:\n%s", want, &stderr)
		}
	}
}
