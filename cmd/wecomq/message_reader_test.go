package main

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const hello = `{"touser":"chen.li","msgtype":"text","text":{"content":"hello"}}`

func lineReader(text string) *messageReader {
	r := &messageReader{lines: true}
	r.open(strings.NewReader(text), "test.ndjson")
	return r
}

// all are the messages of a reader, or what is wrong with them.
func all(r *messageReader) iter.Seq2[producer.Message, error] {
	return func(yield func(producer.Message, error) bool) {
		for {
			m, err := r.next()
			var fault *lineError
			if errors.Is(err, io.EOF) || !yield(m, err) || err != nil && !errors.As(err, &fault) {
				return
			}
		}
	}
}

// faultsOf are the numbers of the lines at fault, and the lines that are not.
func faultsOf(t *testing.T, r *messageReader) (bad, good []int) {
	t.Helper()
	for _, err := range all(r) {
		var fault *lineError
		switch {
		case errors.As(err, &fault):
			bad = append(bad, fault.Line)
		case err != nil:
			t.Fatal(err)
		default:
			good = append(good, r.line)
		}
	}
	return bad, good
}

func TestLines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text      string
		bad, good []int
	}{
		"nothing":                                                   {text: ""},
		"the last line needs no end":                                {text: hello + "\n" + hello, good: []int{1, 2}},
		"blank lines count, but are no messages":                    {text: "\n  \n" + hello + "\n\t\n" + hello + "\n\n", good: []int{3, 5}},
		"Windows marks the file and ends lines":                     {text: "\ufeff" + hello + "\r\n" + hello + "\r\n", good: []int{1, 2}},
		"a byte order mark before a later line, as in joined files": {text: hello + "\n\ufeff" + hello, good: []int{1, 2}},
		"a fault does not end the reading":                          {text: "{\n" + hello + "\n[]\n" + hello, good: []int{2, 4}, bad: []int{1, 3}},
		"a line larger than any message is skipped whole": {
			text: hello + "\n" + strings.Repeat("x", message.MaxBodyBytes+200<<10) + "\n" + hello, good: []int{1, 3}, bad: []int{2},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad, good := faultsOf(t, lineReader(tt.text))
			if diff := cmp.Diff(tt.bad, bad); diff != "" {
				t.Errorf("lines at fault (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.good, good); diff != "" {
				t.Errorf("other lines (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever stands in up to four lines, each that is not blank comes out once, in order.
func TestEveryLineComesOutOnce(t *testing.T) {
	t.Parallel()
	var check func(lines []string)
	check = func(lines []string) {
		var wantBad, wantGood []int
		for i, line := range lines {
			switch {
			case line == hello:
				wantGood = append(wantGood, i+1)
			case strings.TrimSpace(line) != "":
				wantBad = append(wantBad, i+1)
			}
		}
		bad, good := faultsOf(t, lineReader(strings.Join(lines, "\n")))
		if diff := cmp.Diff([][]int{wantBad, wantGood}, [][]int{bad, good}); diff != "" {
			t.Errorf("%q: lines at fault, other lines (-want +got):\n%s", lines, diff)
		}
		if len(lines) == 4 {
			return
		}
		for _, line := range []string{hello, "", " ", "x", "{}"} {
			check(append(slices.Clone(lines), line))
		}
	}
	check(nil)
}

func TestUnreadableFileEndsTheReading(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for name, lines := range map[string]bool{"a message": false, "a batch": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &messageReader{lines: lines}
			r.open(io.MultiReader(strings.NewReader(`{"touser"`), iotest.ErrReader(broken)), "test.json")
			_, err := r.next()
			if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read test.json: ") {
				t.Errorf("next() = %v, want that test.json cannot be read", err)
			}
		})
	}
}

func TestEnvelopeComesBeforeTheFlags(t *testing.T) {
	t.Parallel()
	flags := producer.Options{Priority: tasks.Bulk, Delay: time.Minute, ExpiresIn: time.Hour}
	at := time.Date(2026, 12, 1, 1, 3, 0, 0, time.UTC)
	tests := map[string]struct {
		members string
		want    producer.Options
	}{
		"without members of ours the flags hold": {"", flags},
		"a time of its own replaces the delay": {
			`,"process_at":"2026-12-01T09:03:00+08:00"`,
			producer.Options{Priority: tasks.Bulk, At: at, ExpiresIn: time.Hour},
		},
		"each member replaces its flag": {
			`,"priority":"critical","expires_in":"90s","idempotency_key":"k"`,
			producer.Options{Priority: tasks.Critical, Delay: time.Minute, ExpiresIn: 90 * time.Second, IdempotencyKey: "k"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &messageReader{options: flags, duplicateCheck: 60}
			r.open(strings.NewReader(strings.TrimSuffix(hello, "}")+tt.members+"}"), "test.json")
			m, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			m.Options.At = m.Options.At.UTC()
			if diff := cmp.Diff(tt.want, m.Options); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			common := m.Request.Common()
			if common.EnableDuplicateCheck != 1 || common.DuplicateCheckInterval != 60 {
				t.Errorf("duplicate check %d, interval %d; want what --duplicate-check says", common.EnableDuplicateCheck, common.DuplicateCheckInterval)
			}
			if _, err := r.next(); !errors.Is(err, io.EOF) {
				t.Errorf("after the only message: %v, want EOF", err)
			}
		})
	}
}
