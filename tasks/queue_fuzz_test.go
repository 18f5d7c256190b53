package tasks_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

// FuzzParseQueue proves that a queue's name and a message's id are understood in one way,
// and name an app that may be a part of a key in Redis.
func FuzzParseQueue(f *testing.F) {
	f.Add("ops:critical")
	f.Add("ops:critical:bulk")
	f.Add("ops}:{hr:bulk")
	f.Add("ops-01JD5K3V8N0000000000000000.2")
	f.Fuzz(func(t *testing.T, name string) {
		if app, priority, err := tasks.ParseQueue(name); err == nil && (tasks.Queue(app, priority) != name || strings.ContainsAny(app, "{}: \n")) {
			t.Errorf("%q is app %q, priority %q", name, app, priority)
		}
		if app, err := tasks.AppOf(name); err == nil && (!strings.HasPrefix(name, app+"-") || strings.ContainsAny(app, "{}: \n")) {
			t.Errorf("%q is of app %q", name, app)
		}
	})
}
