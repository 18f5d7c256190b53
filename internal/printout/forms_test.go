package printout

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

// wordy is an errmsg that is longer than a line of a table, and tries to clear it.
var wordy = "first\x1b[2J\nsecond\u009b2J " + strings.Repeat("汉", 300) + " the last words"

func TestALineOfATableIsShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printRecord(t, &out, "table", tasks.Record{ErrMsg: wordy})
	_, line, _ := strings.Cut(out.String(), "\n")
	if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "汉…\n") || strings.ContainsAny(line, "\x1b\u009b") {
		t.Errorf("the line is %q", line)
	}
}

func TestNoSpreadsheetRunsACell(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	record := tasks.Record{ErrMsg: "=HYPERLINK(1)", MsgID: "@SUM", Actor: "+1", Recipients: tasks.Recipients{Invalid: []string{"-1", "a\u202eb\u009b2J\u2066c"}}}
	printRecord(t, &out, "csv", record)
	for _, want := range []string{",'=HYPERLINK(1),'@SUM,", ",'-1|ab2Jc,", ",'+1,"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
}

// printRecord prints a record in a form.
func printRecord(t *testing.T, out io.Writer, name string, record tasks.Record) {
	t.Helper()
	records, err := NewRecords(out, name)
	if err == nil {
		err = records.Print(func(yield func(tasks.Record, error) bool) { yield(record, nil) }, false)
	}
	if err != nil {
		t.Fatal(err)
	}
}
