package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// calm collects from the third message within a minute on.
func calm() webhook.Config {
	cfg := testConfig()
	cfg.Digest = webhook.Digest{After: 2, Window: time.Minute}
	return cfg
}

func (b *bundle) flush(tb testing.TB) {
	tb.Helper()
	if err := b.Flush(tb.Context(), "ops"); err != nil {
		tb.Fatal(err)
	}
}

// send posts groups of alerts, one after the other.
func (b *bundle) send(tb testing.TB, query string, groups ...string) {
	tb.Helper()
	for _, g := range groups {
		if got := b.post(tb, "alertmanager", query, group(strings.Split(g, ",")...), nil); got.status != http.StatusAccepted {
			tb.Fatalf("status %d: %s", got.status, got.body)
		}
	}
}

func TestADigestNamesEachInstanceOnce(t *testing.T) {
	t.Parallel()
	cfg := calm()
	cfg.Templates["digest_markdown"] = webhook.Template{File: "d", Source: "{{range .Lines}}{{.Who}}{{end}}"}
	b := newBundle(t, cfg)
	b.send(t, "to_user=alice", "x", "y", "a instance=db-10", "a instance=db-1", "a instance=db-1 i=2", "a instance=db-10 i=2,a instance=b-1")
	b.pass(time.Minute)
	b.flush(t)
	messages := b.queue.brief(t)
	if got, want := messages[len(messages)-1], "alice:: critical markdown: db-10, db-1, b-1"; got != want {
		t.Errorf("digest %q, want %q", got, want)
	}
}

// All have the instance of the exporter that monitors them.
func TestADigestNamesWhatTellsAlertsApart(t *testing.T) {
	t.Parallel()
	cfg := calm()
	cfg.Templates["digest_markdown"] = webhook.Template{File: "d", Source: "{{range .Lines}}{{.Name}} {{.Who}}; {{end}}"}
	b := newBundle(t, cfg)
	b.send(t, "to_user=alice", "x", "y", "a instance=ksm pod=p1,a instance=ksm pod=p2", "b instance=ksm,c instance=ksm")
	b.pass(time.Minute)
	b.flush(t)
	messages := b.queue.brief(t)
	if got, want := messages[len(messages)-1], "alice:: critical markdown: a p2, p1; b ksm; c ksm;"; got != want {
		t.Errorf("digest %q, want %q", got, want)
	}
}

func TestStormBecomesOneDigest(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=alice", "a", "b", "c severity=info", "d,e severity=critical", "!a", "c severity=info i=2")
	b.pass(time.Minute - time.Millisecond)
	b.flush(t)
	before := []string{"alice:: critical markdown: firing a", "alice:: critical markdown: firing b"}
	if diff := cmp.Diff(before, b.queue.brief(t)); diff != "" {
		t.Fatalf("before the window's end (-want +got):\n%s", diff)
	}
	b.pass(time.Millisecond)
	b.flush(t)
	b.flush(t)
	want := slices.Concat(before, []string{"alice:: critical markdown: digest of 5: e×1 c×2 d×1 a×1"})
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("after it (-want +got):\n%s", diff)
	}
	if left := redistest.Keys(t, b.rdb, "*webhook:d*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestStormLastsUntilAQuietWindow(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	window := func(names ...string) {
		b.send(t, "to_user=alice", names...)
		b.pass(time.Minute)
		b.flush(t)
	}
	window("a1", "a2", "a3")             // one more than the threshold: no storm
	window("b1", "b2", "b3", "b4", "b5") // more than twice as many: a storm
	window("c1", "c2", "c3")             // goes on
	window("d1")                         // and ends
	window("e1")
	b.pass(time.Hour)
	window("f1")
	var got []string
	for _, m := range b.queue.all() {
		got = append(got, textOf(m.Request))
	}
	want := []string{
		"firing a1", "firing a2", "digest of 1: a3×1",
		"firing b1", "firing b2", "digest of 3: b3×1 b4×1 b5×1",
		"digest of 3: c1×1 c2×1 c3×1",
		"digest of 1: d1×1",
		"firing e1",
		"firing f1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestOnlyTheMemberInTheStormWaits(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=Alice", "a", "b")
	b.send(t, "to_user=bob,alice&to_party=2&to_tag=3", "c")
	b.send(t, "to_party=2", "d")
	b.send(t, "to_party=2&priority=bulk&type=text", "e")
	b.send(t, "to_party=2", "f")
	b.pass(time.Minute)
	b.flush(t)
	want := []string{
		"Alice:: critical markdown: firing a", "Alice:: critical markdown: firing b",
		"bob:2:3 critical markdown: firing c", ":2: critical markdown: firing d",
		":2: critical text: ", "alice:: critical markdown: digest of 1: c×1",
	}
	got := b.queue.brief(t)
	for i, text := range got {
		if strings.HasPrefix(text, ":2: critical text: 【告警汇总】") {
			got[i] = ":2: critical text: "
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestNothingOvertakesADigestThatIsLate(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=alice", "a", "b", "c")
	b.pass(time.Hour) // no gateway was there to send it
	b.send(t, "to_user=alice", "!c")
	b.flush(t)
	b.send(t, "to_user=alice", "!a")
	want := []string{
		"alice:: critical markdown: firing a", "alice:: critical markdown: firing b",
		"alice:: critical markdown: digest of 2: c×1 c×1", "alice:: critical markdown: resolved a",
	}
	if diff := cmp.Diff(want, b.queue.brief(t)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestTwinOfAGatheredNotificationIsNotCounted(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=alice", "a", "a", "a", "b", "c", "c")
	b.pass(time.Minute)
	b.flush(t)
	texts := b.queue.brief(t)
	if got := texts[len(texts)-1]; got != "alice:: critical markdown: digest of 1: c×1" {
		t.Errorf("digest: %s", got)
	}
}

func TestRoutesSetTheThreshold(t *testing.T) {
	t.Parallel()
	cfg := calm()
	never := route(t, `team="never"`, message.Recipients{Users: []string{"alice"}})
	never.Digest = &webhook.Digest{}
	soon := route(t, `team="soon"`, message.Recipients{Users: []string{"alice"}})
	soon.Digest = &webhook.Digest{After: 1, Window: time.Second}
	cfg.Routes = []webhook.Route{never, soon}
	b := newBundle(t, cfg)
	for i := range 4 {
		b.send(t, "", fmt.Sprintf("n%d team=never", i), fmt.Sprintf("s%d team=soon", i))
	}
	b.pass(time.Second)
	b.flush(t)
	texts := b.queue.brief(t)
	if len(texts) != 6 || texts[5] != "alice:: critical markdown: digest of 3: s1×1 s2×1 s3×1" {
		t.Errorf("messages: %q", texts)
	}
}

func TestLargeStormIsCountedToTheLast(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=alice", "a", "b")
	total := 0
	for i := range 12 {
		names := make([]string, 150)
		for j := range names {
			names[j] = fmt.Sprintf("alert-%d-%d", i, j)
			total++
		}
		b.send(t, "to_user=alice", strings.Join(names, ","))
	}
	b.pass(time.Minute)
	b.flush(t)
	texts := b.queue.brief(t)
	last := texts[len(texts)-1]
	if !strings.Contains(last, fmt.Sprintf("digest of %d:", total)) {
		t.Errorf("digest: %s", last)
	}
	if counted := countLines(t, last); counted != total {
		t.Errorf("%d counted in its lines, want %d", counted, total)
	}
}

var (
	lineCount = regexp.MustCompile(`×(\d+)`)
	moreCount = regexp.MustCompile(`\+(\d+) more`)
)

// countLines adds up the alerts that a digest lists and those it counts as more.
func countLines(t *testing.T, text string) int {
	t.Helper()
	sum := 0
	for _, match := range append(lineCount.FindAllStringSubmatch(text, -1), moreCount.FindAllStringSubmatch(text, -1)...) {
		n, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

func TestBuiltInDigests(t *testing.T) {
	t.Parallel()
	cfg := inChina()
	cfg.Digest = webhook.Digest{After: 1, Window: time.Minute}
	b := newBundle(t, cfg)
	for _, kind := range []string{"text", "markdown", "textcard"} {
		for i := range 4 {
			b.send(t, "type="+kind+"&to_user="+kind, "first"+strconv.Itoa(i),
				fmt.Sprintf("HighCPU severity=critical instance=10.0.0.%d:9100", i), fmt.Sprintf("!DiskFull severity=warning instance=h%d", i))
		}
	}
	b.pass(time.Minute)
	b.flush(t)
	for _, m := range b.queue.all() {
		if strings.HasPrefix(m.Options.IdempotencyKey, "digest:") {
			golden(t, "digest."+m.Request.Common().ToUser+".golden", m.Request)
		}
	}
}

func TestDigestSurvivesTheDeathOfItsProcess(t *testing.T) {
	t.Parallel()
	for name, taken := range map[string]bool{"before the message is in Redis": false, "after it is in Redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, calm())
			b.send(t, "to_user=alice", "a", "b", "c")
			b.pass(time.Minute)
			b.queue.fail = func(after bool) error {
				if after == taken {
					return errors.New("killed")
				}
				return nil
			}
			if err := b.Flush(t.Context(), "ops"); err == nil {
				t.Fatal("the enqueue did not fail")
			}
			b.queue.fail = nil
			b.send(t, "to_user=alice", "d") // must not be added to a message that may already be sent
			b.flush(t)
			b.pass(webhook.FlushLease)
			b.flush(t)
			b.pass(time.Minute)
			b.flush(t)
			texts := b.queue.brief(t)
			slices.Sort(texts)
			want := []string{
				"alice:: critical markdown: digest of 1: c×1", "alice:: critical markdown: firing a",
				"alice:: critical markdown: firing b", "alice:: critical markdown: firing d",
			}
			if diff := cmp.Diff(want, texts); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryAlertIsSentOrCounted lets two gateways on one Redis receive notifications, repeat them and flush
// digests, while enqueueing fails at random before or after it took effect. In the end each alert is in one
// message or digest of each member.
func TestEveryAlertIsSentOrCounted(t *testing.T) {
	t.Parallel()
	cfg := calm()
	cfg.Digest = webhook.Digest{After: 2, Window: 10 * time.Second}
	cfg.Templates = map[string]webhook.Template{
		"markdown":        {File: "m", Source: "{{range .Alerts}}#{{.Name}};{{end}}"},
		"digest_markdown": {File: "d", Source: "{{range .Lines}}{{.Name}}×{{.Count}};{{end}}"},
	}
	b := newBundle(t, cfg)
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		b.queue = &queue{}
		gateways := []*webhook.Handler{b.twin(t, cfg), b.twin(t, cfg)}
		b.pass(time.Hour)
		flaky := true
		b.queue.fail = func(bool) error {
			if flaky && rapid.IntRange(0, 9).Draw(rt, "fails") == 0 {
				return errors.New("connection reset")
			}
			return nil
		}
		want := map[string]int{} // alerts to each member
		sent := 0
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			h := rapid.SampledFrom(gateways).Draw(rt, "gateway")
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				b.pass(time.Duration(rapid.IntRange(0, 12000).Draw(rt, "ms")) * time.Millisecond)
				_ = h.Flush(t.Context(), "ops")
			default:
				to := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ann", "bob", "cy"}), 1, 3, rapid.ID[string]).Draw(rt, "to")
				var alerts []string
				for range rapid.IntRange(1, 3).Draw(rt, "alerts") {
					sent++
					alerts = append(alerts, fmt.Sprintf("r%d-%d", run, sent))
				}
				for _, id := range to {
					want[id] += len(alerts)
				}
				deliver(t, h, to, alerts, rapid.Bool().Draw(rt, "twin"), gateways)
			}
		}
		flaky = false
		for range 3 {
			b.pass(webhook.FlushLease)
			for _, h := range gateways {
				if err := h.Flush(t.Context(), "ops"); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(want, b.queue.counted(t)); diff != "" {
			rt.Errorf("alerts by member (-want +got):\n%s", diff)
		}
	})
}

// deliver posts until the webhook is accepted, as Alertmanager does, and once more if there is a twin.
func deliver(t *testing.T, h *webhook.Handler, to, alerts []string, twin bool, gateways []*webhook.Handler) {
	t.Helper()
	query := "to_user=" + strings.Join(to, ",")
	for post(t, h, "alertmanager", query, group(alerts...), nil).status != http.StatusAccepted {
		h = gateways[(slices.Index(gateways, h)+1)%len(gateways)]
	}
	if twin {
		post(t, h, "alertmanager", query, groupFrom("http://am-2", alerts...), nil)
	}
}

// counted adds up the alerts that each member got, in messages and in digests.
func (q *queue) counted(t *testing.T) map[string]int {
	t.Helper()
	got := map[string]int{}
	for _, m := range q.all() {
		if m.App != "ops" || m.Options.Priority != tasks.Critical {
			t.Errorf("message %+v", m)
		}
		text := textOf(m.Request)
		n := strings.Count(text, "#") + countLines(t, text)
		for _, id := range m.Request.Common().Recipients().Users {
			got[id] += n
		}
	}
	return maps.Clone(got)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := newBundle(t, calm())
	b.send(t, "to_user=alice", "a", "b", "c")
	b.pass(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	b.queue.fail = func(taken bool) error {
		if taken {
			cancel()
		}
		return nil
	}
	if err := b.Run(ctx, []string{"hr", "ops"}); err != nil {
		t.Fatal(err)
	}
	if n := len(b.queue.all()); n != 3 {
		t.Errorf("%d messages, want 3", n)
	}
}
