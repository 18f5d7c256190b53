package wecomtest

import (
	"strings"
	"testing"
	"time"
)

func TestRecentForgetsTheOldestKey(t *testing.T) {
	t.Parallel()
	r := newRecent[string, int](2)
	for i, key := range []string{"a", "b", "a", "c"} {
		r.put(key, i)
	}
	if _, ok := r.get("a"); ok {
		t.Error("a is still there")
	}
	b, hasB := r.get("b")
	c, hasC := r.get("c")
	if !hasB || !hasC || b != 1 || c != 3 || len(r.order) != 2 {
		t.Errorf("b = %d, c = %d, order %v", b, c, r.order)
	}
}

func TestLargeBodiesDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	a := newArrivals()
	body := strings.Repeat("x", 7<<20)
	for range 40 {
		a.add(Message{MsgID: nonce(8), Body: body, responseCode: nonce(8)}, 100)
	}
	const want = maxBodies / (7 << 20)
	if len(a.list) != want || len(a.byMsgID) != want || len(a.byResponse) != want {
		t.Errorf("kept %d messages, %d msgids, %d response codes, want %d", len(a.list), len(a.byMsgID), len(a.byResponse), want)
	}
	a.add(Message{MsgID: nonce(8), Body: strings.Repeat("x", maxBodies+1)}, 100)
	if len(a.list) != 1 {
		t.Errorf("kept %d messages beside one over the bound", len(a.list)-1)
	}
}

func TestSweepForgetsTheQuiet(t *testing.T) {
	t.Parallel()
	s, err := New(Rules{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)
	app := s.appState(appKey{CorpID, AgentID})
	app.deliver(s.Rules(), []string{"early"}, now)
	app.deliver(s.Rules(), []string{"late"}, now.Add(time.Minute))
	s.callers["192.0.2.1"] = &caller{wrong: times{now.UnixNano()}}
	s.callers["192.0.2.2"] = &caller{bannedUntil: now.Add(2 * time.Hour)}
	s.sweep(now.Add(time.Hour))
	if len(app.members) != 1 || app.members["late"] == nil {
		t.Errorf("members left: %v", app.members)
	}
	if len(s.callers) != 1 || s.callers["192.0.2.2"] == nil {
		t.Errorf("callers left: %v", s.callers)
	}
}

func TestWindowsOfBusyMembersStaySmall(t *testing.T) {
	t.Parallel()
	var sent times
	now := time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)
	for range 10_000 {
		now = now.Add(time.Second)
		sent = sent.add(now, 1000)
	}
	if len(sent) > 2000 || !sent.full(1000, time.Hour, now) {
		t.Errorf("%d moments kept, full %v", len(sent), sent.full(1000, time.Hour, now))
	}
}
