package pages

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
)

func TestWhatCouldNotBeMadeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, err := range []error{broadcast.ErrKeyInUse, broadcast.ErrChanged, broadcast.ErrLost, broadcast.ErrGivenUp, broadcast.ErrNotFound} {
		what := unmade(fmt.Errorf("create broadcast: %w", err))
		if !strings.Contains(what, "check it again") || inChinese[what] == "" {
			t.Errorf("%v is told as %q", err, what)
		}
	}
	if what := unmade(errors.New("i/o timeout")); what != "" {
		t.Errorf("a timeout is told as %q", what)
	}
}
