package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const benchBody = `{"app":"ops","priority":"bulk","touser":"zhangsan|lisi","msgtype":"text","text":{"content":"磁盘满 93%"}}`

func bench(b *testing.B, path, body string, lines int) {
	b.Helper()
	g := newFuzzGateway(b)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+fuzzToken)
		if w := serve(b, g, r); w.Code >= http.StatusBadRequest {
			b.Fatal(w.Body)
		}
	}
	b.ReportMetric(float64(lines*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func BenchmarkSend(b *testing.B) { bench(b, "/v1/messages", benchBody, 1) }

func BenchmarkBatch(b *testing.B) {
	const lines = 1000
	bench(b, "/v1/messages:batch", strings.Repeat(benchBody+"\n", lines), lines)
}

func BenchmarkAccessToken(b *testing.B) {
	g := newFuzzGateway(b)
	token, err := sealAccess(g.settings.Load().Tokens[0], access{secret: fuzzToken, corpID: "ww1", expires: g.now().Add(accessLife)})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.openAccess(token); err != nil {
			b.Fatal(err)
		}
	}
}
