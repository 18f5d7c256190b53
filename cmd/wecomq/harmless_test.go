package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

// steering is a text of others that would clear a terminal, and turn the direction of
// writing.
const steering = "a\u202eb\u009b2J\u2066c"

func TestWhatOthersWriteDoesNotSteerWhoeverReadsTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		log := (&globals{environment: environment{stderr: &out}}).logger("info", format)
		log.Info().Str("path", "/v1/"+steering+"\x1b[2J").AnErr("error", errors.New(steering)).Msg("request")
		if text := out.String(); strings.ContainsAny(text, "\u202e\u009b\u2066") || strings.Contains(text, "\x1b[2J") || !strings.Contains(text, "/v1/") {
			t.Errorf("%s: %q", format, text)
		}
	}
}

func TestNoSpreadsheetRunsACell(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w, err := newRecordWriter(&globals{environment: environment{stdout: &out}}, "csv")
	if err != nil {
		t.Fatal(err)
	}
	record := tasks.Record{ErrMsg: "=HYPERLINK(1)", MsgID: "@SUM", Actor: "+1", Recipients: tasks.Recipients{Invalid: []string{"-1", steering}}}
	if err := w.write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{",'=HYPERLINK(1),'@SUM,", ",'-1|ab2Jc,", ",'+1,"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}
