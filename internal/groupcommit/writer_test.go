package groupcommit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wecomq/wecomq/internal/groupcommit"
)

// slow takes a second for each call, and fails after the first ones.
type slow struct {
	calls []string
	works int
}

func (s *slow) Write(p []byte) (int, error) {
	<-time.After(time.Second)
	s.calls = append(s.calls, string(p))
	if len(s.calls) > s.works {
		return 0, errors.New("the disk is full")
	}
	return len(p), nil
}

func TestLinesOfTheSameMomentAreWrittenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &slow{works: 2}
		w := groupcommit.NewWriter(out)
		var writing sync.WaitGroup
		var lines []string
		for i := range 100 {
			line := fmt.Sprintf("line %d\n", i)
			lines = append(lines, line)
			writing.Go(func() {
				if n, err := w.Write([]byte(line)); n != len(line) || err != nil {
					t.Errorf("%d of %d bytes, %v", n, len(line), err)
				}
			})
		}
		writing.Wait()
		written := slices.Sorted(strings.Lines(strings.Join(out.calls, "")))
		slices.Sort(lines)
		if !slices.Equal(written, lines) || len(out.calls) > 2 {
			t.Errorf("%d calls wrote %q, want every line once, in two calls at most", len(out.calls), written)
		}
		out.works = 0
		if n, err := w.Write([]byte("x")); n != 0 || err == nil {
			t.Errorf("%d bytes and %v from a disk that is full", n, err)
		}
	})
}
