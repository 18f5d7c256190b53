package broadcast_test

import (
	"bytes"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/broadcast"
)

// reported yields these rows, and then an error if there is one.
func reported(err error, rows ...broadcast.Row) iter.Seq2[broadcast.Row, error] {
	return func(yield func(broadcast.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(broadcast.Row{}, err)
		}
	}
}

func outcomes() []broadcast.Row {
	at := time.Date(2026, 11, 28, 10, 40, 0, 0, broadcast.ChinaTime)
	return []broadcast.Row{
		{Recipient: "anna", State: "accepted", MsgID: "m<1>", At: at},
		{Recipient: "-bob", State: "rejected", ErrCode: -1, ErrMsg: "=HYPERLINK(\"http://x\"),\nbusy", MsgID: "@m", At: at},
		{Recipient: "carl", State: "pending"},
	}
}

func TestAReportIsSafeInASpreadsheet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := broadcast.WriteCSV(&out, reported(nil, outcomes()...), true); err != nil {
		t.Fatal(err)
	}
	want := "\uFEFFrecipient,state,errcode,errmsg,msgid,at\n" +
		"anna,accepted,0,,m<1>,2026-11-28T02:40:00Z\n" +
		"'-bob,rejected,-1,\"'=HYPERLINK(\"\"http://x\"\"),\nbusy\",'@m,2026-11-28T02:40:00Z\n" +
		"carl,pending,,,,\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}

func TestAReportAsNDJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := broadcast.WriteNDJSON(&out, broadcast.Selection{Recipient: "ANNA"}.Of(reported(nil, outcomes()...))); err != nil {
		t.Fatal(err)
	}
	want := `{"recipient":"anna","state":"accepted","errcode":0,"errmsg":"","msgid":"m<1>","at":"2026-11-28T10:40:00+08:00"}` + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("NDJSON (-want +got):\n%s", diff)
	}
}

func TestAReportThatBreaksOffSaysSo(t *testing.T) {
	t.Parallel()
	broken := errors.New("Redis is away")
	for name, write := range map[string]func(*bytes.Buffer, iter.Seq2[broadcast.Row, error]) error{
		"as CSV": func(w *bytes.Buffer, rows iter.Seq2[broadcast.Row, error]) error {
			return broadcast.WriteCSV(w, rows, false)
		},
		"as NDJSON": func(w *bytes.Buffer, rows iter.Seq2[broadcast.Row, error]) error {
			return broadcast.WriteNDJSON(w, rows)
		},
	} {
		var out bytes.Buffer
		if err := write(&out, reported(broken, outcomes()...)); !errors.Is(err, broken) || !bytes.Contains(out.Bytes(), []byte("carl")) {
			t.Errorf("%s: error %v after %q", name, err, out.String())
		}
	}
}

// full is a disk with a limited number of bytes left.
type full struct{ left int }

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAReportThatCannotBeWrittenSaysSo(t *testing.T) {
	t.Parallel()
	long := slices.Repeat(outcomes(), 100) // more than is buffered
	for name, tc := range map[string]struct {
		space int
		rows  []broadcast.Row
	}{
		"none":                  {0, outcomes()},
		"for a byte order mark": {3, outcomes()},
		"for the first rows":    {5000, long},
	} {
		if err := broadcast.WriteCSV(&full{tc.space}, reported(nil, tc.rows...), true); !errors.Is(err, errFull) {
			t.Errorf("space %s, CSV: %v", name, err)
		}
		if err := broadcast.WriteNDJSON(&full{tc.space}, reported(nil, tc.rows...)); !errors.Is(err, errFull) {
			t.Errorf("space %s, NDJSON: %v", name, err)
		}
	}
}

func TestRowsAreSelected(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		selection broadcast.Selection
		want      []string
	}{
		"all":          {broadcast.Selection{}, []string{"anna", "-bob", "carl"}},
		"by state":     {broadcast.Selection{State: "pending"}, []string{"carl"}},
		"by errcode":   {broadcast.Selection{ErrCode: -1}, []string{"-bob"}},
		"by both":      {broadcast.Selection{State: "accepted", ErrCode: -1}, nil},
		"by recipient": {broadcast.Selection{Recipient: "CARL"}, []string{"carl"}},
	} {
		var got []string
		for row, err := range tc.selection.Of(reported(nil, outcomes()...)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row.Recipient)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
