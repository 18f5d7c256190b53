package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

// wordy is an errmsg that is longer than a line of a table, and wants to clear it.
var wordy = "first\x1b[2J\nsecond\u009b2J " + strings.Repeat("汉", 300) + " the last words"

func TestDeadShowSaysAllOfWhy(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	g := &globals{environment: environment{stdout: &out, lookupEnv: func(string) (string, bool) { return "", false }}, output: "text"}
	if err := g.printDead(deadLetter{Why: wordy}); err != nil {
		t.Fatal(err)
	}
	want := "why         first [2J second 2J " + strings.Repeat("汉", 300) + " the last words\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out.String(), want)
	}
}

func TestALineOfATableIsShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := newRecordWriter(&globals{environment: environment{stdout: &out}}, "table")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.write(tasks.Record{ErrMsg: wordy}); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	line := out.String()
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "汉…\n") || strings.ContainsAny(line, "\x1b\u009b") {
		t.Errorf("the line is %q", line)
	}
}
