package printout

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

func TestARecordAsTextNamesItsPartsAndWhatMayHaveArrivedTwice(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Record(&out, tasks.Record{
		ID: "ops-1", App: "ops", State: tasks.Partial, PossibleDuplicate: true,
		EnqueuedAt: time.Now(), Parts: []tasks.Record{{ID: "ops-1", State: tasks.Accepted}, {ID: "ops-1.2", State: tasks.Rejected}},
	}, wecom.English); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ops-1 accepted, ops-1.2 rejected", "it may have arrived twice"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
}
