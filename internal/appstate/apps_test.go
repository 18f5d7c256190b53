package appstate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/appstate"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// Before the first worker, and after FLUSHDB, Redis does not know the queues.
func TestBacklogOfQueuesThatNobodyHasMade(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	apps := appstate.New(rdb)
	apps.Add("ops", tasks.Limits{CallsPerMinute: 60})
	for n := range 2 {
		s, err := apps.Status(t.Context(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(appstate.Backlog{Default: n}, s.Backlog); diff != "" {
			t.Errorf("after %d messages (-want +got):\n%s", n, diff)
		}
		p, err := producer.New(rdb, producer.Config{App: "ops"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Send(t.Context(), message.SendTextRequest{
			SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Text: message.TextField{Content: "x"},
		}, producer.Options{}); err != nil {
			t.Fatal(err)
		}
	}
}
