package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/producer"
)

func TestTallyOfABatch(t *testing.T) {
	t.Parallel()
	first, again := producer.Receipt{ID: "a"}, producer.Receipt{ID: "a", Duplicate: true}
	tests := map[string]struct {
		fill func(*tally)
		text string // a regular expression
		code int
		err  string // a part of it
	}{
		"nothing":   {func(*tally) {}, `^0 enqueued in \d+m?s$`, exitDone, ""},
		"all good":  {func(s *tally) { s.add(first, false); s.add(first, false) }, `^2 enqueued in \d+m?s$`, exitDone, ""},
		"a repeat":  {func(s *tally) { s.add(first, false); s.add(again, false) }, `^2 enqueued in \d+m?s, 1 of them were there already$`, exitDone, ""},
		"bad lines": {func(s *tally) { s.fault(false); s.fault(false) }, `^0 enqueued`, exitUsage, "lines at fault, which were not enqueued: 2"},
		"a Redis that went away counts for more than a bad line": {
			func(s *tally) { s.fault(false); s.fault(true); s.fault(true) },
			`^0 enqueued`, exitFailure, "messages that Redis did not confirm: 2; lines at fault beside them: 1",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &tally{started: time.Now()}
			tt.fill(s)
			if !regexp.MustCompile(tt.text).MatchString(s.String()) {
				t.Errorf("String() = %q, want %s", s, tt.text)
			}
			err := s.err()
			if code := exitCode(err); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("err() = %v, want it to contain %q", err, tt.err)
			}
		})
	}
}

func TestTallyRemembersWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	var s tally
	s.add(producer.Receipt{ID: "a"}, true)
	s.add(producer.Receipt{ID: "b"}, false)
	s.add(producer.Receipt{ID: "c"}, true)
	if diff := cmp.Diff([]string{"a", "c"}, s.ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}
