package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
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

func TestDeadShowSaysAllOfWhy(t *testing.T) {
	t.Parallel()
	long := "first\x1b[2J\nsecond\u009b2J " + strings.Repeat("汉", 300) + " the last words"
	var out bytes.Buffer
	g := &globals{environment: environment{stdout: &out, lookupEnv: func(string) (string, bool) { return "", false }}, output: "text"}
	if err := g.printDead(operator.DeadLetter{Why: long}); err != nil {
		t.Fatal(err)
	}
	want := "why         first [2J second 2J " + strings.Repeat("汉", 300) + " the last words\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out.String(), want)
	}
}
