package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// lookLife is how long what was seen in Redis is served again: several Prometheus
// servers and quick reloads of a page then cost one look.
const lookLife = 10 * time.Second

// cachedGatherer gathers at most once in a while, errors included: a Redis that is
// unavailable is not asked by every scrape either.
type cachedGatherer struct {
	gatherer prometheus.Gatherer
	life     time.Duration

	mu       sync.Mutex
	until    time.Time
	families []*dto.MetricFamily
	err      error
}

// Gather implements [prometheus.Gatherer]. Whoever comes while another gathers
// waits, and gets the same.
func (c *cachedGatherer) Gather() ([]*dto.MetricFamily, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !time.Now().Before(c.until) {
		c.families, c.err = c.gatherer.Gather()
		c.until = time.Now().Add(c.life)
	}
	return c.families, c.err
}
