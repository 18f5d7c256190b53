package redisconn

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

// scanCount is how many keys Redis examines for one page of a scan: well below a millisecond.
const scanCount = 1000

// Scan calls do with the keys that match one of the patterns, a page at a time, and with their node; in a
// cluster it scans one master after the other. Redis may return a key twice, and one that is created or deleted
// meanwhile once or not at all.
func Scan(ctx context.Context, rdb redis.UniversalClient, patterns []string, do func(node redis.UniversalClient, names []string) error) error {
	scan := func(ctx context.Context, node redis.UniversalClient) error {
		for _, pattern := range patterns {
			if err := scanNode(ctx, node, pattern, do); err != nil {
				return fmt.Errorf("keys %s: %w", pattern, err)
			}
		}
		return nil
	}
	return EachMaster(ctx, rdb, scan)
}

// EachMaster calls do with the node, or in a cluster with one master after the other, and returns an error of do.
func EachMaster(ctx context.Context, rdb redis.UniversalClient, do func(context.Context, redis.UniversalClient) error) error {
	cluster, ok := rdb.(*redis.ClusterClient)
	if !ok {
		return do(ctx, rdb)
	}
	var one sync.Mutex // ForEachMaster runs concurrently
	return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		one.Lock()
		defer one.Unlock()
		return do(ctx, node)
	})
}

func scanNode(ctx context.Context, node redis.UniversalClient, pattern string, do func(redis.UniversalClient, []string) error) error {
	for cursor := uint64(0); ; {
		names, next, err := node.Scan(ctx, cursor, pattern, scanCount).Result()
		if err == nil && len(names) > 0 {
			err = do(node, names)
		}
		if err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}
