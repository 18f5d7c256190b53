package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// TestABroadcastInAStorm kills workers and Redis during a broadcast with individual texts, and pauses and
// resumes it: everybody gets it, and nobody twice except those whose call was in flight at a kill. It has 10,000
// recipients times the environment variable WECOMQ_STORM, and is skipped without it: the calls in flight of a
// killed worker come back a minute later.
func TestABroadcastInAStorm(t *testing.T) {
	t.Parallel()
	scale, _ := strconv.Atoi(os.Getenv("WECOMQ_STORM"))
	if scale == 0 {
		t.Skip("it takes minutes; see make storm")
	}
	people, kills := 10_000*scale, 3
	l := newStorm(t, [2]int{}, [2]int{people, kills}, "appendonly yes", "appendfsync always")
	ask[wecomtest.Rules](l.landscape, http.MethodPatch, "/admin/rules", fmt.Sprintf(`{"keep": %d}`, 2*people))
	b := l.createBroadcast(people)
	worker, inFlight := l.work(), 0
	step := people / (2*kills + 2)
	for kill := range kills {
		l.awaitReached(b.ID, (2*kill+1)*step)
		worker.kill()
		inFlight += callsPerWorker
		worker = l.work()
		l.awaitReached(b.ID, (2*kill+2)*step)
		l.run("", "broadcast", "pause", b.ID)
		l.redis.Single().Kill()
		l.redis.Single().Restart()
		inFlight += callsPerWorker
		l.run("", "broadcast", "resume", b.ID)
	}
	l.awaitReached(b.ID, people)
	if got := l.broadcast(b.ID); got.State != broadcast.Finished || got.Counts.Accepted != people {
		t.Errorf("%s: %+v, want %d accepted", got.State, got.Counts, people)
	}
	l.eachGotIt(people, inFlight)
	rows, err := csv.NewReader(strings.NewReader(l.run("", "broadcast", "report", b.ID))).ReadAll()
	if err != nil || len(rows) != people+1 {
		t.Errorf("the report has %d rows (%v), want %d and a header", len(rows), err, people)
	}
	if audit := l.run("", "audit", "-o", "json"); !strings.Contains(audit, `"imbalance":0`) {
		t.Errorf("the audit says %s", audit)
	}
}

// On the command line, the approver of a broadcast sees it before approving.
func TestWhoApprovesABroadcastSeesIt(t *testing.T) {
	t.Parallel()
	takeTurn(t)
	l := &landscape{T: t, redis: redistest.StartAny(t)}
	l.rdb = l.redis.Client()
	l.env = appVariables("http://127.0.0.1:1", l.redis.URL)
	template, err := compose.TextTemplate(message.TypeText, "hello {{.name}}\nsecond line")
	if err != nil {
		t.Fatal(err)
	}
	list, err := compose.Compile(t.Context(), strings.NewReader("userid,name\nu1,Anna\nu2,Bob\n"), template, compose.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = list.Close() }()
	draft := broadcast.Draft{Spec: broadcast.Spec{Template: template, CreatedBy: "anna", NeedsApproval: true}, List: list}
	b, _, err := broadcast.New(l.rdb, defaultApp, time.Hour).Create(t.Context(), draft)
	if err != nil {
		t.Fatal(err)
	}
	var shown strings.Builder
	cmd := exec.CommandContext(t.Context(), "wecomq", "broadcast", "approve", b.ID)
	cmd.Env, cmd.Stderr = l.environ(), &shown
	out, err := cmd.Output()
	var approved broadcast.Status
	if err != nil || json.Unmarshal(out, &approved) != nil {
		t.Fatalf("%v: %s %s", err, out, shown.String())
	}
	if approved.State != broadcast.Running || approved.Review == nil || len(approved.Review.Samples) != 2 || approved.Review.QuotaCost != 2 {
		t.Errorf("it prints %s", out)
	}
	for _, want := range []string{"awaiting approval", "2 in 2 calls", "day quota", "ends about", "u1 gets:\n  hello Anna\n  second line\n", "u2 gets:\n  hello Bob\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("it does not show %q:\n%s", want, shown.String())
		}
	}
}

const (
	callsPerWorker = concurrency + 1 // one of them only for critical messages
	defaultApp     = "default"       // that of the config
)

// createBroadcast creates a broadcast with a name in each message.
func (s *storm) createBroadcast(people int) broadcast.Status {
	s.Helper()
	var list strings.Builder
	list.WriteString("userid,name\n")
	for i := range people {
		fmt.Fprintf(&list, "user%06d,name%d\n", i, i)
	}
	template := filepath.Join(s.TempDir(), "hello.tmpl")
	s.write(template, "hello {{.name}}")
	var created broadcast.Status
	out := s.run(list.String(), "broadcast", "create", "-f", "-", "--template", template)
	if err := json.Unmarshal([]byte(out), &created); err != nil {
		s.Fatal(err)
	}
	return created
}

// broadcast returns its state; its sums must always be right.
func (s *storm) broadcast(id string) *broadcast.Broadcast {
	s.Helper()
	b, err := broadcast.New(s.rdb, defaultApp, time.Hour).Get(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	if sum := b.Counts.Accepted + b.Counts.Failed() + b.Counts.Cancelled + b.Counts.Pending; sum != b.Recipients {
		s.Errorf("%+v adds up to %d of %d recipients", b.Counts, sum, b.Recipients)
	}
	return b
}

// awaitReached waits until this number of recipients has an outcome, as long as their number grows.
func (s *storm) awaitReached(id string, people int) {
	s.Helper()
	for reached := 0; reached < people; {
		before := reached
		waittest.Until(s.T, fmt.Sprintf("%d recipients are reached, more than %d", people, before), func() bool {
			b := s.broadcast(id)
			reached = b.Recipients - b.Counts.Pending
			return reached > before
		})
	}
}

// eachGotIt checks that everybody got it, and at most `twice` of them twice.
func (s *storm) eachGotIt(people, twice int) {
	s.Helper()
	received := map[string]int{}
	arrived := 0
	for _, m := range s.landscape.messages() {
		for _, user := range m.To {
			received[user]++
			arrived++
		}
	}
	if len(received) != people || arrived-people > twice {
		s.Errorf("%d of %d got it, %d times in all; at most %d calls were in flight at the kills", len(received), people, arrived, twice)
	}
}
