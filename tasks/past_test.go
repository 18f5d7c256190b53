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
	err := tasks.Options{At: time.Now().Add(-28 * 24 * time.Hour)}.Validate()
	if err == nil || !strings.Contains(err.Error(), "is 672h0m0s ago; leave it out to send at once") {
		t.Errorf("%v", err)
	}
}
