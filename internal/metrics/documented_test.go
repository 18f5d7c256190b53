package metrics

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/apps"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| (`(?:wecomq|asynq)_[^|]*`) \\|")
	metricName = regexp.MustCompile("`([a-z_]+)")
)

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	const page = "../../docs/operations.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range metricRow.FindAllStringSubmatch(string(text), -1) {
		for _, name := range metricName.FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, name[1])
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(exported(t), documented); diff != "" {
		t.Errorf("the metrics and the rows of %s (-metrics +rows):\n%s", page, diff)
	}
}

// exported are the names of the metrics of a process that watches Redis, without those of Go and the process.
func exported(t *testing.T) []string {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{}) // nothing asks it
	t.Cleanup(func() { _ = rdb.Close() })
	m := New(Config{})
	m.WatchRedis(rdb, apps.New(rdb))
	descriptions := make(chan *prometheus.Desc, 1000)
	for _, gatherer := range m.gatherers {
		if cached, ok := gatherer.(*cachedGatherer); ok {
			gatherer = cached.gatherer
		}
		gatherer.(*prometheus.Registry).Describe(descriptions)
	}
	close(descriptions)
	names := map[string]bool{} // one name may have several descriptions
	for description := range descriptions {
		_, rest, _ := strings.Cut(description.String(), `fqName: "`)
		name, _, _ := strings.Cut(rest, `"`)
		if strings.HasPrefix(name, "wecomq_") || strings.HasPrefix(name, "asynq_") {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
