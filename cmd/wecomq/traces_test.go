package main

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wecomq/wecomq/internal/waittest"
)

// otlpCollector receives spans as an OpenTelemetry collector does.
type otlpCollector struct {
	mu    sync.Mutex
	spans map[string][]string // names by trace id
	from  []string            // service names
}

func newCollector(t *testing.T) (*otlpCollector, string) {
	t.Helper()
	c := &otlpCollector{spans: map[string][]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL
}

func (c *otlpCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var export collector.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &export) != nil {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range export.GetResourceSpans() {
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				c.from = append(c.from, attribute.GetValue().GetStringValue())
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				id := hex.EncodeToString(span.GetTraceId())
				c.spans[id] = append(c.spans[id], span.GetName())
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// trace waits until a trace has n spans, and returns their names in order.
func (c *otlpCollector) trace(t *testing.T, id string, n int) []string {
	t.Helper()
	var names []string
	waittest.Until(t, "the trace is exported", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		names = slices.Sorted(slices.Values(c.spans[id]))
		return len(names) >= n
	})
	return names
}

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// post sends a message through a gateway, as a client with tracing.
func (l *landscape) post(url string) {
	l.Helper()
	request, err := http.NewRequestWithContext(l.Context(), http.MethodPost, url+"/v1/messages",
		strings.NewReader(`{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}`))
	if err != nil {
		l.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+observedToken)
	request.Header.Set("Traceparent", traceparent)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusAccepted {
		answer, _ := io.ReadAll(response.Body)
		l.Fatalf("POST /v1/messages: %s: %s", response.Status, answer)
	}
}

func TestATraceLeadsFromTheRequestToWeCom(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	c, endpoint := newCollector(t)
	l.env["OTEL_EXPORTER_OTLP_ENDPOINT"], l.env["OTEL_BSP_SCHEDULE_DELAY"] = endpoint, "50"
	server, url := l.serve()
	l.post(url)
	want := []string{"POST /v1/messages", "admission", "message/send", "process default:default", "send default:default", "wait"}
	if names := c.trace(t, traceID, len(want)); !slices.Equal(names, want) {
		t.Errorf("the trace has the spans %q, want %q", names, want)
	}
	for _, line := range []string{server.awaitLine(`"component":"gateway","request_id"`), server.awaitLine(`"message":"accepted"`)} {
		if !strings.Contains(line, `"trace_id":"`+traceID+`"`) {
			t.Errorf("no trace_id in %s", line)
		}
	}
	if slices.ContainsFunc(c.from, func(name string) bool { return name != "wecomq" }) {
		t.Errorf("spans from %q, want wecomq", c.from)
	}
}

// The field names of the log are a contract: operators search and count by them.
func TestAnOutcomeIsOneLineWithTheAgreedFields(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	worker := l.work()
	id := l.ids(l.run("", "send", "--to-user", "zhangsan", "--text", "hello", "--priority", "critical"))[0]
	var line map[string]any
	decode(t, []byte(worker.awaitLine(`"message":"accepted"`)), &line)
	want := map[string]any{
		"level": "info", "message": "accepted", "component": "worker", "app": "default", "message_id": id, "errcode": 0.0,
		"class": "ok", "priority": "critical", "queue": "default:critical", "attempt": 1.0,
	}
	for _, name := range []string{"msgid", "duration_ms", "time"} {
		if line[name] == nil {
			t.Errorf("no %s in %v", name, line)
		}
		delete(line, name)
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("the line of an outcome (-want +got):\n%s", diff)
	}
}

// The spans of a short command are exported before it ends.
func TestSendExportsItsSpan(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	c, endpoint := newCollector(t)
	l.env["OTEL_EXPORTER_OTLP_ENDPOINT"], l.env["OTEL_SERVICE_NAME"] = endpoint, "cron"
	l.run("", "send", "--to-user", "zhangsan", "--text", "hello")
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) != 1 || !slices.Equal(c.from, []string{"cron"}) {
		t.Errorf("traces %v from %q, want one from cron", c.spans, c.from)
	}
}

func TestACollectorThatIsAwayStopsNothing(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	l.env["OTEL_EXPORTER_OTLP_ENDPOINT"], l.env["OTEL_BSP_SCHEDULE_DELAY"] = "http://127.0.0.1:1", "50"
	l.env["OTEL_EXPORTER_OTLP_TIMEOUT"] = "100"
	server, url := l.serve()
	l.post(url)
	server.awaitLine(`"message":"accepted"`)
	server.awaitLine(`"traces are not exported"`)
}
