package budget

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// collectTime bounds a collection; Prometheus gives up after ten seconds.
const collectTime = 3 * time.Second

// Collector exports the tokens' usage of their limits to Prometheus. Only names of the config become labels.
type Collector struct {
	rdb    redis.UniversalClient
	tokens atomic.Pointer[map[string]Limits]
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes no call. There are no tokens until [Collector.Replace].
func NewCollector(rdb redis.UniversalClient) *Collector {
	c := &Collector{rdb: rdb}
	c.Replace(nil)
	return c
}

// Replace puts the tokens, by name, in the place of the former, as a reload does.
func (c *Collector) Replace(tokens map[string]Limits) {
	counted := maps.Clone(tokens)
	maps.DeleteFunc(counted, func(_ string, l Limits) bool { return !l.Counted() })
	c.tokens.Store(&counted)
}

var (
	usedDesc = prometheus.NewDesc("wecomq_token_used",
		"Use of a token's limits: messages in this minute, recipients in this day of China.", []string{"token", "limit"}, nil)
	limitDesc = prometheus.NewDesc("wecomq_token_limit", "Limits of a token: messages a minute, recipients a day of China.", []string{"token", "limit"}, nil)
)

// Describe implements [prometheus.Collector].
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- usedDesc
	ch <- limitDesc
}

// Collect implements [prometheus.Collector].
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	tokens := *c.tokens.Load()
	if len(tokens) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectTime)
	defer cancel()
	names := slices.Sorted(maps.Keys(tokens))
	used, err := Used(ctx, c.rdb, names)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(usedDesc, err)
		return
	}
	for _, name := range names {
		for _, share := range tokens[name].Shares(used[name]) {
			ch <- prometheus.MustNewConstMetric(usedDesc, prometheus.GaugeValue, float64(share.Used), name, share.Limit)
			ch <- prometheus.MustNewConstMetric(limitDesc, prometheus.GaugeValue, float64(share.Max), name, share.Limit)
		}
	}
}
