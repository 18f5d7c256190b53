package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/webhook"
)

func BenchmarkWebhook(b *testing.B) {
	for _, alerts := range []int{1, 100, webhook.MaxAlerts} {
		b.Run(fmt.Sprintf("alerts=%d", alerts), func(b *testing.B) {
			names := make([]string, alerts)
			for i := range names {
				names[i] = fmt.Sprintf("HighCPU severity=critical instance=10.0.0.%d:9100", i)
			}
			body := group(names...)
			h, err := webhook.New(redistest.New(b), &queue{}, webhook.DefaultConfig(), zerolog.Nop())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.Handle(webhook.Alertmanager, "ops", w, httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/?to_user=alice", strings.NewReader(body)))
				if w.Code != http.StatusAccepted {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
