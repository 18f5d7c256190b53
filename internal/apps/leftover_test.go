package apps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// populate gives an app a message with a key, and some state of its limits.
func populate(t *testing.T, rdb redis.UniversalClient, app string) {
	t.Helper()
	p, err := producer.New(rdb, producer.Config{App: app})
	if err != nil {
		t.Fatal(err)
	}
	request := message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Text: message.TextField{Content: "x"},
	}
	receipt, err := p.Send(t.Context(), request, producer.Options{IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	admission := tasks.AdmissionRequest{
		Payload: tasks.Payload{ID: receipt.ID, App: app, Priority: tasks.Default, Type: message.TypeText}, Users: []string{"a"},
	}
	if _, err := pacing.New(rdb, pacing.Config{App: app}).Admit(t.Context(), admission); err != nil {
		t.Fatal(err)
	}
}

func TestForgetLeavesNothingOfAnAppAndAllOfTheOthers(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	for _, app := range []string{"ops", "ops2", "p"} { // names that contain each other
		populate(t, rdb, app)
	}
	inspector := apps.New(rdb)
	left, err := inspector.Leftover(t.Context(), "ops")
	if err != nil || left.Waiting != 1 || left.Keys < 6 || len(left.Hosts) > 0 {
		t.Fatalf("leftover %+v, %v; want a message and some keys", left, err)
	}
	before := len(redistest.Keys(t, rdb, "*"))
	if n, err := inspector.Forget(t.Context(), "ops"); err != nil || n != left.Keys {
		t.Errorf("%d keys deleted, %v; want %d", n, err, left.Keys)
	}
	after := redistest.Keys(t, rdb, "*")
	if len(after) != before-left.Keys || slices.ContainsFunc(after, func(key string) bool { return strings.Contains(key, "{ops}") || strings.Contains(key, "{ops:") }) {
		t.Errorf("%d keys were there, %d deleted, left are %v", before, left.Keys, after)
	}
	queues := rdb.SMembers(t.Context(), "asynq:queues").Val()
	slices.Sort(queues)
	if want := []string{"ops2:default", "p:default"}; !slices.Equal(queues, want) {
		t.Errorf("the dashboard shows %v, want %v", queues, want)
	}
}
