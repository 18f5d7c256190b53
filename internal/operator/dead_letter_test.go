package operator_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

func TestWhatCanBeDoneAboutADeadLetter(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, tc := range map[string]struct {
		record tasks.Record
		want   string // a part of the hint
	}{
		"it was replayed":         {tasks.Record{State: tasks.Unknown, ReplayedAs: "ops-2"}, "see 'wecomq result ops-2'"},
		"it may have arrived":     {tasks.Record{ID: "ops-1", State: tasks.Unknown}, "Ask a recipient. If it did not arrive: 'wecomq dead replay ops-1'"},
		"some have it":            {tasks.Record{ID: "ops-1", State: tasks.Partial, ErrCode: 81013}, "'wecomq dead replay ops-1' sends it to them only"},
		"WeCom was not asked":     {tasks.Record{ID: "ops-1", State: tasks.Rejected}, "Fix what errmsg names"},
		"WeCom refused it for it": {tasks.Record{ID: "ops-1", State: tasks.Rejected, ErrCode: 81013}, wecom.Code(81013).Hint()},
	} {
		tc.record.Type = message.TypeText
		if got, err := b.operator.Explain(t.Context(), tc.record); err != nil || !strings.Contains(got.Hint, tc.want) {
			t.Errorf("%s: %q, %v; want %q", name, got.Hint, err, tc.want)
		}
	}
}

func TestThePartsThatAnIDNames(t *testing.T) {
	t.Parallel()
	whole := tasks.Record{ID: "ops-1", Parts: []tasks.Record{{ID: "ops-1"}, {ID: "ops-1.2"}, {ID: "ops-1.3"}}}
	for id, want := range map[string][]string{"ops-1": {"ops-1", "ops-1.2", "ops-1.3"}, "ops-1.2": {"ops-1.2"}} {
		var got []string
		for _, part := range operator.PartsNamed(whole, id) {
			got = append(got, part.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s names %v, want %v", id, got, want)
		}
	}
	if got := operator.PartsNamed(tasks.Record{ID: "ops-1"}, "ops-1"); len(got) != 1 {
		t.Errorf("a message without parts: %v", got)
	}
}
