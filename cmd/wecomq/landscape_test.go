package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// landscape is a Redis and a `wecomq simulate`, and the environment of the
// commands that use them.
type landscape struct {
	*testing.T
	redis *redistest.Redis
	rdb   redis.UniversalClient // of the tests
	url   string                // of the simulator
	env   map[string]string
}

// simulatedApps are two applications: one may have one name only.
const simulatedApps = `{"apps": [
	{"corp_id": "ww0123456789abcdef", "agent_id": 1000002, "secret": "simulator-secret"},
	{"corp_id": "ww0123456789abcdef", "agent_id": 1000003, "secret": "secret-of-hr"}
]}`

// newLandscape starts a landscape; config are lines of redis.conf.
func newLandscape(t *testing.T, config ...string) *landscape {
	t.Helper()
	takeTurn(t)
	l := &landscape{T: t, redis: redistest.StartAny(t, config...)}
	l.rdb = l.redis.Client()
	rules := filepath.Join(t.TempDir(), "rules.json")
	l.write(rules, simulatedApps)
	sim := start(t, l.environ(), "simulate", "--listen", "127.0.0.1:0", "--rules", rules)
	_, l.url, _ = strings.Cut(sim.awaitLine("api_base_url:"), "api_base_url: ")
	l.env = appVariables(l.url, l.redis.URL)
	return l
}

// environ is the environment of a process: nothing of the tests' own except what Go and its detectors need.
func (l *landscape) environ() []string {
	var env []string
	for _, name := range []string{"PATH", "TMPDIR", "GORACE", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range l.env {
		env = append(env, name+"="+value)
	}
	return env
}

// work starts a worker and waits until it takes messages.
func (l *landscape) work(args ...string) *process {
	l.Helper()
	worker := start(l.T, l.environ(), append([]string{"worker"}, args...)...)
	worker.awaitLine(`"lane is up"`)
	return worker
}

// run executes a command that must succeed, in this process, and returns its stdout.
func (l *landscape) run(stdin string, args ...string) string {
	l.Helper()
	if _, traced := l.env["OTEL_EXPORTER_OTLP_ENDPOINT"]; traced {
		return l.exec(stdin, args...) // OpenTelemetry reads the environment itself
	}
	var stdout, stderr bytes.Buffer
	code := run(l.Context(), args, environment{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		lookupEnv: func(name string) (string, bool) {
			value, ok := l.env[name]
			return value, ok
		},
	})
	if code != exitDone {
		l.Fatalf("wecomq %s: exit code %d\n%s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.String()
}

// exec is like run, in a separate process.
func (l *landscape) exec(stdin string, args ...string) string {
	l.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(l.Context(), "wecomq", args...)
	cmd.Env, cmd.Stdin, cmd.Stderr = l.environ(), strings.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		l.Fatalf("wecomq %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// sendTexts enqueues n texts to n members in one batch and returns their ids. The
// flags are those of send.
func (l *landscape) sendTexts(n int, flags ...string) []string {
	l.Helper()
	var batch strings.Builder
	for i := range n {
		fmt.Fprintf(&batch, `{"touser":"user%d","msgtype":"text","text":{"content":"text %[1]d"}}`+"\n", i)
	}
	return l.ids(l.run(batch.String(), append([]string{"send", "--batch", "-f", "-"}, flags...)...))
}

func (l *landscape) ids(receipts string) []string {
	l.Helper()
	var ids []string
	for _, receipt := range decodeLines[producer.Receipt](l.T, receipts) {
		ids = append(ids, receipt.ID)
	}
	return ids
}

// records are the results that `wecomq result` prints, in the order of the ids. The flags are those of result.
func (l *landscape) records(ids []string, flags ...string) []tasks.Record {
	l.Helper()
	return decodeLines[tasks.Record](l.T, l.run("", slices.Concat([]string{"result"}, flags, ids)...))
}

// awaitState waits until all messages are in a state, and returns their records.
func (l *landscape) awaitState(ids []string, state tasks.State, flags ...string) []tasks.Record {
	l.Helper()
	return l.awaitRecords(fmt.Sprintf("%d messages are %s", len(ids), state), ids, func(records []tasks.Record) bool {
		return len(inState(records, state)) == len(ids)
	}, flags...)
}

// awaitRecords waits until the records of the messages are as wanted, and returns them. It runs `wecomq result`
// only once the records in Redis match: polling needs no processes.
func (l *landscape) awaitRecords(what string, ids []string, wanted func([]tasks.Record) bool, flags ...string) []tasks.Record {
	l.Helper()
	var records []tasks.Record
	waittest.Until(l.T, what, func() bool {
		if !wanted(stored(l, l.rdb, ids)) {
			return false
		}
		records = l.records(ids, flags...)
		return wanted(records)
	})
	return records
}

// stored returns the records of messages in Redis. A message without an attempt may have none.
func stored(tb testing.TB, rdb redis.UniversalClient, ids []string) []tasks.Record {
	tb.Helper()
	records := make([]tasks.Record, len(ids))
	for i, id := range ids {
		app, err := tasks.AppOf(id)
		if err != nil {
			tb.Fatal(err)
		}
		records[i], err = ledger.New(rdb, app, tasks.DefaultRecordTTL).Record(tb.Context(), id)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			tb.Fatal(err)
		}
	}
	return records
}

// inState are the ids of the records in a state.
func inState(records []tasks.Record, state tasks.State) []string {
	ids := []string{}
	for _, r := range records {
		if r.State == state {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// messages are those that have arrived.
func (l *landscape) messages() []wecomtest.Message {
	l.Helper()
	return ask[[]wecomtest.Message](l, http.MethodGet, "/admin/messages", "")
}

func (l *landscape) stats() wecomtest.Stats {
	l.Helper()
	return ask[wecomtest.Stats](l, http.MethodGet, "/admin/stats", "")
}

// slowDown makes every message take this long, or until speedUp.
func (l *landscape) slowDown(delay time.Duration) {
	l.Helper()
	ask[[]wecomtest.FaultStatus](l, http.MethodPost, "/admin/faults", fmt.Sprintf(`{"api":"message/send","delay":%q}`, delay))
}

func (l *landscape) speedUp() {
	l.Helper()
	ask[any](l, http.MethodDelete, "/admin/faults", "")
}

// awaitCalls waits until n messages were slowed down.
func (l *landscape) awaitCalls(n int) {
	l.Helper()
	waittest.Until(l.T, fmt.Sprintf("%d calls are in flight", n), func() bool {
		return ask[[]wecomtest.FaultStatus](l, http.MethodGet, "/admin/faults", "")[0].Fired >= n
	})
}

// ask calls the simulator's admin endpoint.
func ask[T any](l *landscape, method, path, body string) T {
	l.Helper()
	var answer T
	decode(l.T, fetch(l.T, method, l.url+path, body), &answer)
	return answer
}

// fetch returns the body of a response with HTTP status 200.
func fetch(t *testing.T, method, url, body string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s (%v)", method, url, response.Status, answer, err)
	}
	return answer
}

// decodeLines reads one JSON value per line.
func decodeLines[T any](t *testing.T, text string) []T {
	t.Helper()
	values := []T{}
	for line := range strings.Lines(text) {
		var value T
		decode(t, []byte(line), &value)
		values = append(values, value)
	}
	return values
}

// decode decodes JSON and rejects members that the type does not have.
func decode(t *testing.T, data []byte, value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
}
