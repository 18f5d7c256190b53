package tasks_test

import (
	"strings"
	"testing"

	"github.com/wecomq/wecomq/tasks"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"ops", "o", "a-b-c", strings.Repeat("x", 32)} {
		id := tasks.NewID(app)
		if len(id) != len(app)+1+26 {
			t.Errorf("id %s is not %s- and 26 characters", id, app)
		}
		for _, form := range []string{id, tasks.PartID(id, 1), tasks.PartID(id, 2), tasks.IDFromKey(app, "k")} {
			if got, err := tasks.AppOf(form); err != nil || got != app {
				t.Errorf("the app of %s is %q, %v; want %s", form, got, err, app)
			}
		}
		if tasks.PartID(id, 1) != id || tasks.PartID(id, 3) != id+".3" || tasks.MessageID(id+".3") != id {
			t.Error("the first part has the message's id, the third ends in .3")
		}
	}
}

func TestIDsFromKeys(t *testing.T) {
	t.Parallel()
	if first, second := tasks.IDFromKey("ops", "order-1"), tasks.IDFromKey("ops", "order-1"); first != second {
		t.Errorf("the same key gives two ids, %s and %s", first, second)
	}
	seen := map[string]bool{}
	for _, id := range []string{
		tasks.IDFromKey("ops", "order-1"), tasks.IDFromKey("ops", "order-2"), tasks.IDFromKey("ops", ""),
		tasks.IDFromKey("hr", "order-1"), tasks.IDFromKey("op", "sorder-1"),
	} {
		if seen[id] {
			t.Errorf("id %s comes from two keys", id)
		}
		seen[id] = true
	}
}

func TestWhatIsNoID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "ops", "ops-", "-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", "OPS-01K9Z3V6C8W5N3T1Q0R7XJ4M2E", "ops-short", "ops:01K9Z3V6C8W5N3T1Q0R7XJ4M2E"} {
		if app, err := tasks.AppOf(id); err == nil {
			t.Errorf("%q is taken for an id of app %q", id, app)
		}
	}
}

func TestQueues(t *testing.T) {
	t.Parallel()
	for _, p := range tasks.Priorities() {
		app, priority, err := tasks.ParseQueue(tasks.Queue("ops", p))
		if err != nil || app != "ops" || priority != p {
			t.Errorf("queue %s reads as %q, %q, %v", tasks.Queue("ops", p), app, priority, err)
		}
	}
	for _, queue := range []string{"", "ops", "ops:", "ops:urgent", ":bulk", "{ops}:bulk", "default"} {
		if _, _, err := tasks.ParseQueue(queue); err == nil {
			t.Errorf("%q is taken for one of our queues", queue)
		}
	}
}
