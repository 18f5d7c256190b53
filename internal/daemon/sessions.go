package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/keys"
)

// sessions shares ended sessions between all gateways. It implements [gateway.Sessions].
type sessions struct{ rdb redis.UniversalClient }

// End implements [gateway.Sessions].
func (s sessions) End(ctx context.Context, id string, left time.Duration) error {
	if err := s.rdb.Set(ctx, keys.EndedSession(id), "", left).Err(); err != nil {
		return fmt.Errorf("%w: end the session: %w", gateway.ErrUnavailable, err)
	}
	return nil
}

// Ended implements [gateway.Sessions].
func (s sessions) Ended(ctx context.Context, id string) (bool, error) {
	n, err := s.rdb.Exists(ctx, keys.EndedSession(id)).Result()
	if err != nil {
		return false, fmt.Errorf("%w: look for the end of the session: %w", gateway.ErrUnavailable, err)
	}
	return n > 0, nil
}
