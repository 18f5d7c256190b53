package main

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// reject makes WeCom refuse every message for good.
func (l *landscape) reject() {
	l.Helper()
	ask[[]wecomtest.FaultStatus](l, http.MethodPost, "/admin/faults", `{"api":"message/send","errcode":81013}`)
}

func TestReplayOfAllLeavesItsOwnReplaysAlone(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.reject()
	l.work()
	const letters = 200
	dead := map[string]bool{}
	for _, record := range l.awaitState(l.sendTexts(letters), tasks.Rejected) {
		dead[record.ID] = true
	}
	replays := decodeLines[operator.Replay](t, l.run("", "dead", "replay", "--all")) // they fail again meanwhile
	for _, replay := range replays {
		if !dead[replay.ID] {
			t.Errorf("%s is replayed, which is a replay itself", replay.ID)
		}
	}
	if len(replays) != letters {
		t.Errorf("%d are replayed, want %d", len(replays), letters)
	}
}

func TestWhatCanBeDoneAboutADeadLetter(t *testing.T) {
	t.Parallel()
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
		if got := deadHint(tc.record); !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestThePartsThatAnIDNames(t *testing.T) {
	t.Parallel()
	whole := tasks.Record{ID: "ops-1", Parts: []tasks.Record{{ID: "ops-1"}, {ID: "ops-1.2"}, {ID: "ops-1.3"}}}
	for id, want := range map[string][]string{"ops-1": {"ops-1", "ops-1.2", "ops-1.3"}, "ops-1.2": {"ops-1.2"}} {
		var got []string
		for _, part := range partsNamed(whole, id) {
			got = append(got, part.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s names %v, want %v", id, got, want)
		}
	}
	if got := partsNamed(tasks.Record{ID: "ops-1"}, "ops-1"); len(got) != 1 {
		t.Errorf("a message without parts: %v", got)
	}
}

func TestDeadShowSaysAllOfWhy(t *testing.T) {
	t.Parallel()
	long := "first\x1b[2J\nsecond\u009b2J " + strings.Repeat("汉", 300) + " the last words"
	var out bytes.Buffer
	g := &globals{environment: environment{stdout: &out, lookupEnv: func(string) (string, bool) { return "", false }}, output: "text"}
	if err := g.printDead(deadLetter{Why: long}); err != nil {
		t.Fatal(err)
	}
	want := "why         first [2J second 2J " + strings.Repeat("汉", 300) + " the last words\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out.String(), want)
	}
}
