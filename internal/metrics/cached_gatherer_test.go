package metrics

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func TestRedisIsLookedAtOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks, away := 0, errors.New("redis is away")
		c := &cachedGatherer{life: lookLife, gatherer: prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			looks++
			return make([]*dto.MetricFamily, looks), away
		})}
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 1}, {0, 1}, {9 * time.Second, 1}, {time.Second, 2}, {9 * time.Second, 2}, {time.Hour, 3}} {
			<-time.After(step.after)
			families, err := c.Gather()
			if len(families) != step.want || !errors.Is(err, away) {
				t.Errorf("after another %s: look %d, error %v; want look %d and its error", step.after, len(families), err, step.want)
			}
		}
	})
}
