package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// lookLife is how long a result from Redis is cached, so that several Prometheus servers
// and quick reloads of a page do not each query Redis.
const lookLife = 10 * time.Second

// cachedGatherer caches results, and errors too: an unavailable Redis is not queried at
// every scrape either.
type cachedGatherer struct {
	gatherer prometheus.Gatherer
	life     time.Duration

	mu       sync.Mutex
	until    time.Time
	families []*dto.MetricFamily
	err      error
}

// Gather implements [prometheus.Gatherer]. A call during another one waits and gets the
// same result.
func (c *cachedGatherer) Gather() ([]*dto.MetricFamily, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.until) {
		c.families, c.err = c.gatherer.Gather()
		c.until = time.Now().Add(c.life)
	}
	return c.families, c.err
}
