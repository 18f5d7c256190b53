package tasks_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

func TestCallsOfABroadcastAreKnownByTheirIDs(t *testing.T) {
	t.Parallel()
	id := tasks.BroadcastIDFromKey("ops", "k")
	if again := tasks.BroadcastIDFromKey("ops", "k"); again != id {
		t.Errorf("the same key gives %s and %s", id, again)
	}
	if app, err := tasks.ValidateBroadcastID(id); err != nil || app != "ops" {
		t.Errorf("app of %s: %q, %v", id, app, err)
	}
	for _, call := range []tasks.BroadcastCall{{id, 0, 0, ""}, {id, 12, 999, ""}, {id, 3, 4, "2"}, {id, 3, 4, "2.17"}} {
		if got, ok := tasks.ParseBroadcastCall(call.ID()); !ok || got != call {
			t.Errorf("%s: read as %+v, %t; want %+v", call.ID(), got, ok, call)
		}
	}
	for _, other := range []string{
		id, id + ".1", id + ".1.1000", id + ".x.1", id + ".-1.1", id + ".1.1.", id + ".1.1.0", id + ".1.1.1.", id + ".1.1.x",
		tasks.NewID("ops"), tasks.NewID("ops") + ".1.2", "B", "",
	} {
		if call, ok := tasks.ParseBroadcastCall(other); ok {
			t.Errorf("%q is read as %+v", other, call)
		}
	}
	for range 100 {
		if id := tasks.NewID("ops"); tasks.IsBroadcast(id) || tasks.IsBroadcast(tasks.IDFromKey("ops", id)) {
			t.Errorf("%s looks like a broadcast", id)
		}
	}
}

func TestOnlyBroadcastsNeedANewWorker(t *testing.T) {
	t.Parallel()
	broadcast := tasks.BroadcastTask("ops", tasks.BroadcastIDFromKey("ops", "k"), time.UnixMilli(1))
	if got := string(tasks.Encode(broadcast)[:7]); got != `{"v":2,` {
		t.Errorf("a broadcast is written as %s…", got)
	}
	if got, err := tasks.Decode(tasks.TypeName(broadcast.Type), tasks.Encode(broadcast)); err != nil || got.ID != broadcast.ID {
		t.Errorf("read back as %+v, %v", got, err)
	}
	message := tasks.Payload{ID: tasks.NewID("ops"), App: "ops", Priority: tasks.Bulk, Type: "text", Body: []byte("{}")}
	if got := string(tasks.Encode(message)[:7]); got != `{"v":1,` {
		t.Errorf("a message is written as %s…", got)
	}
	_, err := tasks.Decode("message:text", []byte(`{"v":3}`))
	if !errors.Is(err, tasks.ErrVersion) {
		t.Errorf("version 3: %v", err)
	}
}
