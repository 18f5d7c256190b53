package submission

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/message"
)

const hello = `{"touser":"chen.li","msgtype":"text","text":{"content":"hello"}}`

// newTerms are the terms of a dry run with the only app of a config.
func newTerms(t *testing.T) *Terms {
	t.Helper()
	cfg := &config.Config{Apps: map[string]*config.App{"ops": {Name: "ops", AgentID: "1000002"}}}
	outlets, err := NewOutlets(cfg, "", func(app *config.App) (*Outlet, error) { return &Outlet{AgentID: app.AgentID}, nil })
	if err != nil {
		t.Fatal(err)
	}
	return &Terms{Outlets: outlets}
}

// faultsOf returns the numbers of the invalid lines, and those of the others.
func faultsOf(t *testing.T, text string) (bad, good []int) {
	t.Helper()
	for lines := newTerms(t).Lines(strings.NewReader(text), "test.ndjson"); ; {
		item, err := lines.Next(t.Context())
		fault, faulty := errors.AsType[*FaultError](err)
		switch {
		case errors.Is(err, io.EOF):
			return bad, good
		case faulty:
			bad = append(bad, fault.Line)
		case err != nil:
			t.Fatal(err)
		default:
			good = append(good, item.Line)
		}
	}
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
			bad, good := faultsOf(t, tt.text)
			if diff := cmp.Diff(tt.bad, bad); diff != "" {
				t.Errorf("lines at fault (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.good, good); diff != "" {
				t.Errorf("other lines (-want +got):\n%s", diff)
			}
		})
	}
}

// With any content in up to four lines, each that is not blank is yielded once, in order.
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
		bad, good := faultsOf(t, strings.Join(lines, "\n"))
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
