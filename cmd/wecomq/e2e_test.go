package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wecomq/wecomq/internal/audit/audittest"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// concurrency is an app's default for messages that are not critical: calls in flight, per process.
const concurrency = 15

func TestEveryTypeArrivesByteForByte(t *testing.T) {
	t.Parallel()
	const file = "../../internal/samples/messages.ndjson"
	l := newLandscape(t)
	want := strings.Split(strings.TrimSuffix(l.run("", "send", "--batch", "--dry-run", "-f", file), "\n"), "\n")
	worker := l.work("--listen", "127.0.0.1:0")
	ids := l.ids(l.run("", "send", "--batch", "-f", file))
	if n := len(samples.Messages()); len(ids) != n || len(want) != n {
		t.Fatalf("%d lines enqueued and %d shown by --dry-run, want %d", len(ids), len(want), n)
	}

	records := l.awaitState(ids, tasks.Accepted)
	arrived := byMsgID(l.messages())
	for i, record := range records {
		if record.ID != ids[i] || record.Attempts != 1 || record.ErrCode != 0 {
			t.Errorf("message %d is %+v", i, record)
		}
		if diff := cmp.Diff(want[i], arrived[record.MsgID].Body); diff != "" {
			t.Errorf("message %d arrived otherwise than --dry-run said (-want +got):\n%s", i, diff)
		}
	}
	checkContents(t, want)

	lookUp := []string{"result"}
	for _, record := range records {
		lookUp = append(lookUp, "--msgid", record.MsgID)
	}
	if diff := cmp.Diff(records, decodeLines[tasks.Record](t, l.run("", lookUp...))); diff != "" {
		t.Errorf("result --msgid (-by id +by msgid):\n%s", diff)
	}
	checkMetrics(t, worker)
}

func byMsgID(messages []wecomtest.Message) map[string]wecomtest.Message {
	found := make(map[string]wecomtest.Message, len(messages))
	for _, m := range messages {
		found[m.MsgID] = m
	}
	return found
}

// checkContents compares the messages that WeCom gets with the samples.
func checkContents(t *testing.T, wire []string) {
	t.Helper()
	for i, line := range samples.Messages() {
		var want, got map[string]any
		decode(t, []byte(line), &want)
		decode(t, []byte(wire[i]), &got)
		content, _ := want["msgtype"].(string)
		if diff := cmp.Diff(want[content], got[content], cmpopts.IgnoreMapEntries(isZero)); diff != "" {
			t.Errorf("line %d (-file +wire):\n%s", i+1, diff)
		}
		if strings.Contains(wire[i], `\u00`) || !strings.Contains(wire[i], `"agentid":1000002,`) {
			t.Errorf("line %d: want < > & as they are and agentid a number: %s", i+1, wire[i])
		}
	}
}

// isZero reports whether a member may be left out, such as "mode": 0.
func isZero(_ string, value any) bool { return value == 0.0 || value == false || value == "" }

// checkMetrics checks the metrics of --listen after the samples were sent.
func checkMetrics(t *testing.T, worker *process) {
	t.Helper()
	var line struct{ Addr string }
	if err := json.Unmarshal([]byte(worker.awaitLine(`"addr"`)), &line); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := string(fetch(t, http.MethodGet, "http://"+line.Addr+path, "")); got != "ok\n" {
			t.Errorf("GET %s = %q, want ok", path, got)
		}
	}
	metrics := string(fetch(t, http.MethodGet, "http://"+line.Addr+"/metrics", ""))
	n := strconv.Itoa(len(samples.Messages()))
	for _, want := range []string{
		`wecomq_messages_total{app="default",priority="default",state="accepted",type="template_card"} 5`,
		`wecomq_api_requests_total{api="message/send",app="default",errcode="0"} ` + n,
		`wecomq_api_request_duration_seconds_count{api="message/send",app="default"} ` + n,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

func TestKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.slowDown(time.Minute)
	ids := l.sendTexts(2*concurrency + 4)
	killed := l.work()
	l.awaitCalls(concurrency)
	killed.kill()
	l.speedUp()

	// The next worker continues with the rest at once.
	second := l.work()
	records := l.awaitRecords("all but those in flight are accepted", ids, func(records []tasks.Record) bool {
		return len(inState(records, tasks.Accepted)) == len(ids)-concurrency
	})
	lost := inState(records, tasks.Sending)
	if len(lost) != concurrency {
		t.Fatalf("%d messages are sending, want the %d that were in flight: %v", len(lost), concurrency, records)
	}

	// Messages in flight are taken back after their leases have expired. WeCom may have taken them, and the records
	// say so.
	l.outlast(lost)
	for _, record := range l.awaitState(lost, tasks.Accepted) {
		if record.Attempts != 2 || !record.PossibleDuplicate {
			t.Errorf("attempts %d, possible duplicate %t; want the second attempt to be marked", record.Attempts, record.PossibleDuplicate)
		}
	}
	if sums := audittest.Balanced(t, l.rdb, "default")[0]; sums.Accepted != len(ids) {
		t.Errorf("sums %+v, want all %d accepted", sums, len(ids))
	}
	second.signal(syscall.SIGTERM)
	if code := second.exitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	if !strings.Contains(second.stderr.String(), "back in their queue") {
		t.Errorf("the log does not say that tasks were taken back:\n%s", second.stderr.String())
	}
}

// outlast simulates the time after which the ledger considers the worker of these messages dead.
func (l *landscape) outlast(ids []string) {
	l.Helper()
	past := time.Now().Add(-10 * time.Minute).UnixMilli()
	for _, id := range ids {
		if err := l.rdb.HSet(l.Context(), keys.Record("default", id), "attempt_at", past).Err(); err != nil {
			l.Fatal(err)
		}
	}
}

func TestTerminatedWorkerFinishesItsCalls(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.slowDown(2 * time.Second) // the signal comes before all are sent
	ids := l.sendTexts(2*concurrency + 4)
	first := l.work()
	l.awaitCalls(concurrency)
	first.signal(syscall.SIGTERM)
	if code := first.exitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}

	records, arrived := l.records(ids), l.messages()
	accepted, queued := inState(records, tasks.Accepted), inState(records, tasks.Queued)
	if len(accepted) < concurrency || len(accepted) != len(arrived) || len(queued) == 0 || len(accepted)+len(queued) != len(ids) {
		t.Fatalf("%d of %d messages accepted, %d queued, %d arrived; want what was in flight to be recorded, the rest queued",
			len(accepted), len(ids), len(queued), len(arrived))
	}
	for _, record := range records {
		if record.State == tasks.Queued && record.Attempts != 0 {
			t.Errorf("%s is back in the queue with %d attempts", record.ID, record.Attempts)
		}
	}

	l.work()
	l.awaitState(ids, tasks.Accepted)
	if n := len(l.messages()); n != len(ids) {
		t.Errorf("%d messages arrived, want %d: each once", n, len(ids))
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLandscape(t)
			l.slowDown(time.Minute)
			l.sendTexts(1)
			worker := l.work()
			l.awaitCalls(1)
			worker.signal(syscall.SIGTERM)
			// The process must have received the first signal before the second one.
			waittest.Until(t, "the process ends", func() bool {
				worker.signal(second)
				return worker.hasExited()
			})
			if code := worker.exitCode(); code != -1 {
				t.Errorf("exit code %d, want a death by signal: the call was cut off", code)
			}
		})
	}
}

func TestWrongSecretHoldsMessages(t *testing.T) {
	t.Parallel()
	const secret = "not-the-secret"
	l := newLandscape(t)
	l.env["WECOM_SECRET"] = secret
	ids := l.sendTexts(3)
	worker := l.work()
	if line := worker.awaitLine(`"errcode":40001`); !strings.Contains(line, "gettoken") {
		t.Errorf("the worker says %s, want it to name gettoken", line)
	}
	worker.signal(syscall.SIGTERM)
	if code := worker.exitCode(); code != 0 {
		t.Errorf("exit code %d after SIGTERM, want 0", code)
	}

	// One message requests a token for all: it is not requested again until the back-off of 30 s is over.
	if got := l.stats().APIs["gettoken"].Codes[wecom.Code(40001)]; got != 1 {
		t.Errorf("gettoken was called %d times, want once", got)
	}
	if lines := worker.lines("40001"); len(lines) > len(ids)+1 {
		t.Errorf("%d lines in the log for %d messages, want one each and one for the pause at most", len(lines), len(ids))
	}
	if strings.Contains(worker.stderr.String(), secret) {
		t.Error("the log shows the secret")
	}
	held := 0
	for _, record := range l.records(ids) {
		switch {
		case record.State == tasks.Held && record.ErrCode == 40001:
			held++
		case record.State != tasks.Queued || record.Attempts != 0: // the queue was paused before its turn
			t.Errorf("a message is %+v, want it held with errcode 40001, or not tried yet", record)
		}
	}
	if held == 0 {
		t.Error("no message is held")
	}
}

func TestAnUnreachableWeComCostsNoMessage(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.env["WECOM_API_BASE_URL"] = "http://127.0.0.1:1"
	ids := l.sendTexts(3)
	worker := l.work()
	for _, record := range l.awaitRecords("every message has been tried", ids, func(records []tasks.Record) bool {
		return !slices.ContainsFunc(records, func(r tasks.Record) bool { return r.ErrMsg == "" || r.State != tasks.Held })
	}) {
		if !strings.Contains(record.ErrMsg, "connection refused") {
			t.Errorf("the record says %q, want it to say connection refused", record.ErrMsg)
		}
	}
	worker.kill()

	l.env["WECOM_API_BASE_URL"] = l.url
	l.work()
	l.awaitState(ids, tasks.Accepted)
}

func TestIdleWorkerStartsAtOnce(t *testing.T) {
	t.Parallel()
	const rounds = 7
	l := newLandscape(t)
	l.work()
	delays := make([]time.Duration, rounds)
	for i := range delays {
		records := decodeLines[tasks.Record](t, l.run("", "send", "--to-user", "chen.li", "--text", "now", "--wait"))
		message := byMsgID(l.messages())[records[0].MsgID]
		delays[i] = message.At.Sub(records[0].EnqueuedAt)
	}
	slices.Sort(delays)
	t.Logf("from enqueueing to arrival: median %s of %s", delays[rounds/2], delays)
	if median := delays[rounds/2]; median > 500*time.Millisecond {
		t.Errorf("median %s, want less than 500 ms", median)
	}
}
