package pages

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
)

func TestTheZoneOfTheHours(t *testing.T) {
	t.Parallel()
	app := func(name string, zone *time.Location) *watched {
		return &watched{App: App{Name: name, Broadcasts: &broadcast.Desk{Zone: zone}}}
	}
	for want, apps := range map[string][]*watched{
		"":                  nil,
		"UTC":               {app("hr", time.UTC), app("ops", time.UTC)},
		"hr UTC, ops Local": {app("hr", time.UTC), app("ops", time.Local)},
	} {
		if got := zonesOf(apps); got != want {
			t.Errorf("the hours are in %q, want %q", got, want)
		}
	}
}

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
