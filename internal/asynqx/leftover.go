package asynqx

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// QueueKeys is the pattern of all keys of a queue.
func QueueKeys(queue string) string { return queueKey(queue, "*") }

// Unregister removes queues from the dashboard; the caller deletes their keys.
func Unregister(ctx context.Context, rdb redis.UniversalClient, queues ...string) error {
	members := make([]any, len(queues))
	for i, queue := range queues {
		members[i] = queue
	}
	if err := rdb.SRem(ctx, allQueues, members...).Err(); err != nil {
		return fmt.Errorf("unregister %d queues: %w", len(queues), err)
	}
	return nil
}

// Served returns the queues of running servers.
func Served(rdb redis.UniversalClient) (map[string]bool, error) {
	servers, err := asynq.NewInspectorFromRedisClient(rdb).Servers()
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	served := map[string]bool{}
	for _, server := range servers {
		for queue := range server.Queues {
			served[queue] = true
		}
	}
	return served, nil
}

// Hosts returns the hosts of running servers that serve at least one of the queues, in order.
func Hosts(rdb redis.UniversalClient, queues ...string) ([]string, error) {
	servers, err := asynq.NewInspectorFromRedisClient(rdb).Servers()
	if err != nil {
		return nil, fmt.Errorf("list the workers: %w", err)
	}
	hosts := map[string]bool{}
	for _, server := range servers {
		for _, queue := range queues {
			if _, serves := server.Queues[queue]; serves {
				hosts[server.Host] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(hosts)), nil
}
