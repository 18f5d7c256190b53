package apps_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func TestWhyAMessageWaits(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	inspector := apps.New(rdb)
	for _, app := range []string{"new", "ops"} {
		inspector.Add(apps.App{Name: app, Limits: tasks.DefaultLimits()})
	}
	attempt(t, rdb, "ops-1", tasks.Accepted)
	if text := (apps.Cause{By: apps.ByWorkers, Messages: 2, LastCall: time.Now()}).String(); !regexp.MustCompile(`^no worker serves it, since its last call at \d\d:\d\d `).MatchString(text) {
		t.Errorf("why an app is stuck: %q", text)
	}
	due := time.Date(2026, 12, 1, 9, 3, 0, 0, time.Local) //nolint:gosmopolitan // as whoever reads it here
	tests := map[string]struct {
		record tasks.Record
		want   string
	}{
		"until its time, with the zone":          {tasks.Record{App: "ops", State: tasks.Scheduled, ProcessAt: due.UTC()}, `^it is due at 2026-12-01 09:03:00 [+-]\d\d:\d\d$`},
		"for a worker where there was none":      {tasks.Record{App: "new", State: tasks.Queued}, `^no worker is known to serve app new; start one with 'wecomq worker'$`},
		"for a worker, and when one was at work": {tasks.Record{App: "ops", State: tasks.Queued}, `^no worker is known to serve app ops, since its last call at \d\d:\d\d [+-]\d\d:\d\d; start one`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wait, err := inspector.WhyWaits(t.Context(), tt.record)
			if err != nil || !regexp.MustCompile(tt.want).MatchString(wait.Why) {
				t.Errorf("why: %q, %v; want %s", wait.Why, err, tt.want)
			}
		})
	}
}
