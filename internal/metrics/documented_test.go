package metrics

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	const page = "../../docs/operations.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	descriptions := make(chan *prometheus.Desc, 1000)
	New(Config{}).registry.Describe(descriptions)
	close(descriptions)
	own := 0
	for description := range descriptions {
		_, rest, _ := strings.Cut(description.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		if !strings.HasPrefix(name, "wecomq_") {
			continue // of Go and the process
		}
		own++
		if !strings.Contains(string(text), "| `"+name+"{") {
			t.Errorf("%s has no row for %s", page, name)
		}
	}
	if own < 8 {
		t.Errorf("%d metrics are our own, want 8 at least", own)
	}
}
