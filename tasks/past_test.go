package tasks_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

func TestATimeLongPastIsAMistake(t *testing.T) {
	t.Parallel()
	if err := (tasks.Options{At: time.Now().Add(-time.Hour)}).Validate(); err != nil {
		t.Error(err)
	}
	for age, want := range map[time.Duration]string{28 * 24 * time.Hour: "is 28 days ago; leave it out to send at once", 25 * time.Hour: "is 25 hours ago; "} {
		err := tasks.Options{At: time.Now().Add(-age)}.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
