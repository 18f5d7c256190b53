package redisclock

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"
)

// retry is how soon a reading that failed is repeated.
const retry = time.Second

// Watch reads the clock until ctx ends, and logs when this host's clock becomes wrong or right again.
func (c *Clock) Watch(ctx context.Context, log zerolog.Logger) {
	wrong := false
	for {
		wait := readingLife
		if c.Read(ctx) != nil { // others report that Redis is unavailable
			wait = retry
		}
		_, now := c.Wrong()
		switch {
		case now && !wrong:
			log.Warn().Msg(c.Complaint())
		case wrong && !now:
			log.Info().Msg("this host's clock agrees with that of Redis again")
		}
		wrong = now
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// Complaint says whose clock is wrong and by how much, "" if it is right.
func (c *Clock) Complaint() string {
	offset, wrong := c.Wrong()
	if !wrong {
		return ""
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	direction := "ahead of"
	if offset > 0 {
		direction = "behind"
	}
	return fmt.Sprintf("the clock of %s is %s %s that of Redis. Messages keep to Redis's clock; set both by NTP, for logs and for WeCom's day quota",
		host, offset.Abs().Round(100*time.Millisecond), direction)
}
