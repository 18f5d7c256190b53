package webhook_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/costtest"
	"github.com/wecomq/wecomq/internal/webhook"
)

// wide is an object with this number of members.
func wide(members int) string {
	var b strings.Builder
	for i := range members {
		fmt.Fprintf(&b, `"%05d":1,`, i)
	}
	return "{" + b.String() + `"x":1}`
}

// listOf is an array of n equal elements.
func listOf(element string, n int) string {
	return "[" + strings.TrimPrefix(strings.Repeat(","+element, n), ",") + "]"
}

// hostileSources are bodies that are large once decoded, although within bounds.
func hostileSources() map[string]string {
	text := func(unit string) string {
		return `{"message":"` + strings.Repeat(unit, (webhook.MaxSourceBodyBytes-100)/len(unit)) + `"}`
	}
	return map[string]string{
		"wide objects": `{"x":` + listOf(wide(999), 19) + `}`,
		"numbers":      `{"x":` + listOf(listOf(strings.Repeat("1", 50), 9000), 2) + `}`,
		"texts":        `{"x":` + listOf(listOf(`"`+strings.Repeat("a", 40)+`"`, 9000), 2) + `}`,
		"a text":       text("0123456789"), "escapes": text(`\u00e4`), "lines": text(`a\n`),
		"alerts":       listOf(wide(90), 200),
		"deep objects": listOf(strings.Repeat(`{"a":`, 30)+"1"+strings.Repeat("}", 30), 130),
	}
}

// sourceWithoutRedis is a handler with one source that shows any JSON, and one that reads all of it.
func sourceWithoutRedis(tb testing.TB) *webhook.Handler {
	tb.Helper()
	nowhere := func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
	rdb := redis.NewClient(&redis.Options{Dialer: nowhere, MaxRetries: -1, DialerRetries: 1})
	tb.Cleanup(func() { _ = rdb.Close() })
	cfg := webhook.DefaultConfig()
	cfg.Sources = map[webhook.Source]webhook.Mapping{"any": {}, "message": {Template: "{{.message}}", DedupKey: "{{.message}}"}}
	h, err := webhook.New(rdb, nil, cfg, zerolog.Nop())
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// takeFrom sends a webhook of a source, and returns its cost.
func takeFrom(tb testing.TB, h *webhook.Handler, source webhook.Source, body string) costtest.Cost {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/?to_user=alice", strings.NewReader(body))
	return costtest.Of(func() { h.Handle(source, "ops", httptest.NewRecorder(), r) })
}

func TestNoSourceTakesMuch(t *testing.T) { //nolint:paralleltest // it measures what the process takes
	h := sourceWithoutRedis(t)
	for name, body := range hostileSources() {
		if _, err := webhook.SourceBounds.Check([]byte(body)); err != nil || len(body) > webhook.MaxSourceBodyBytes {
			t.Fatalf("%s: %d bytes, %v", name, len(body), err)
		}
		for _, source := range []webhook.Source{"any", "message"} {
			cost := takeFrom(t, h, source, body)
			if cost.Bytes > 40<<20 || cost.CPU > 2*time.Second {
				t.Errorf("%s: %d bytes of %s take %d and %s", source, len(body), name, cost.Bytes, cost.CPU)
			}
		}
	}
}
