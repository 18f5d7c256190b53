package submission

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/tasks"
)

func TestTallyOfABatch(t *testing.T) {
	t.Parallel()
	first, again := Outcome{Receipt: tasks.Receipt{ID: "a"}}, Outcome{Receipt: tasks.Receipt{ID: "a", Duplicate: true}}
	bad, unconfirmed := Outcome{Err: errors.New("msgtype: missing")}, Outcome{Err: fmt.Errorf("not enqueued: %w", &asynqx.RedisError{Err: io.EOF})}
	tests := map[string]struct {
		lines []Outcome
		text  string // a regular expression
		fault bool
		err   string // a part of it
	}{
		"nothing":   {text: `^0 enqueued in \d+m?s$`},
		"all good":  {lines: []Outcome{first, first}, text: `^2 enqueued in \d+m?s$`},
		"a repeat":  {lines: []Outcome{first, again}, text: `^2 enqueued in \d+m?s, 1 of them were there already$`},
		"bad lines": {lines: []Outcome{bad, bad}, text: `^0 enqueued`, fault: true, err: "lines at fault, which were not enqueued: 2"},
		"a Redis that went away counts for more than a bad line": {
			lines: []Outcome{bad, unconfirmed, unconfirmed}, text: `^0 enqueued`,
			err: "messages that Redis did not confirm: 2; lines at fault beside them: 1",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tally := &Tally{Started: time.Now()}
			for _, line := range tt.lines {
				tally.Add(line)
			}
			if !regexp.MustCompile(tt.text).MatchString(tally.String()) {
				t.Errorf("String() = %q, want %s", tally, tt.text)
			}
			err := tally.Err()
			if _, fault := errors.AsType[*FaultError](err); fault != tt.fault {
				t.Errorf("Err() is a fault of the lines: %t, want %t", fault, tt.fault)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Err() = %v, want it to contain %q", err, tt.err)
			}
		})
	}
}
