package asynqx

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	allServers = "asynq:servers"
	allWorkers = "asynq:workers"

	// presencePeriod is how often an idle server reports to the dashboard, and presenceLife the TTL of the
	// report.
	presencePeriod, presenceLife = time.Minute, 150 * time.Second
	// staleAfter is how long after its last heartbeat a killed server is removed from asynq's lists. Hosts
	// whose clocks differ by less do not remove each other.
	staleAfter = time.Hour
)

// presence is the last report of a server to the dashboard.
type presence struct {
	mu        sync.Mutex
	idleBeats int       // consecutive heartbeats without tasks
	told      time.Time // time of the last report
}

// stir records that the server has a task.
func (p *presence) stir() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idleBeats = 0
}

// beat records a heartbeat.
func (p *presence) beat(idle bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idleBeats++; !idle {
		p.idleBeats = 0
	}
	p.told = time.Now()
}

// isIdle reports whether the dashboard shows the server without tasks, and isNews whether the report has to
// be repeated. One heartbeat may miss a task that the server just got.
func (p *presence) isIdle() (idle, isNews bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle = p.idleBeats > 1
	return idle, !idle || time.Since(p.told) >= presencePeriod
}

// ZAdd is part of asynq's heartbeat; it also registers the queues, and removes killed servers.
func (c *WorkerClient) ZAdd(ctx context.Context, key string, members ...redis.Z) *redis.IntCmd {
	if c.idle != nil && (key == allServers || key == allWorkers) {
		return c.enlist(ctx, key, members)
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	cmd := c.UniversalClient.ZAdd(ctx, key, members...)
	if key == allServers && cmd.Err() == nil && len(c.queues) > 0 {
		c.served(c.SAdd(ctx, allQueues, anys(c.queues)...).Err())
	}
	if (key == allServers || key == allWorkers) && cmd.Err() == nil {
		dropStale(ctx, c.UniversalClient, key)
	}
	c.served(cmd.Err())
	return cmd
}

// enlist is the same for a server that may be idle; the work that its process shares is done by [Bells].
func (c *WorkerClient) enlist(ctx context.Context, key string, members []redis.Z) *redis.IntCmd {
	idle, isNews := c.presence.isIdle()
	if !isNews || idle && key == allWorkers {
		return redis.NewIntCmd(ctx)
	}
	ctx, cancel := detach(ctx)
	defer cancel()
	for i := range members {
		if idle {
			members[i].Score = float64(time.Now().Add(presenceLife).Unix())
		}
	}
	cmd := c.UniversalClient.ZAdd(ctx, key, members...)
	if key == allServers && !idle && cmd.Err() == nil {
		c.served(c.SAdd(ctx, allQueues, anys(c.queues)...).Err())
	}
	c.served(cmd.Err())
	return cmd
}

// tellDashboard runs the heartbeat's script that writes the state of the server.
func (c *WorkerClient) tellDashboard(ctx context.Context, sha string, keys []string, args []any) *redis.Cmd {
	cmd := answered(ctx, "OK")
	if idle, _ := c.presence.isIdle(); idle {
		cmd.SetErr(c.UniversalClient.Set(ctx, keys[0], args[1], presenceLife).Err())
	} else {
		cmd = c.UniversalClient.EvalSha(ctx, sha, keys, args...)
	}
	if cmd.Err() == nil {
		c.presence.beat(len(args) == 2) // TTL and state, but no tasks
	}
	return c.ran(keys, cmd)
}

// isPresence recognises asynq's script that writes the state of a server by its keys. The one that deletes it
// has no arguments.
func isPresence(keys []string, args []any) bool {
	return len(keys) == 2 && len(args) > 1 && strings.HasPrefix(keys[0], allServers+":")
}

// register registers queues for the dashboard, and removes killed servers; asynq does so only when the
// dashboard is opened. After a failure, the next call makes up for it.
func register(ctx context.Context, rdb redis.UniversalClient, queues []string) error {
	if len(queues) == 0 {
		return nil
	}
	err := rdb.SAdd(ctx, allQueues, anys(queues)...).Err()
	for _, key := range []string{allServers, allWorkers} {
		dropStale(ctx, rdb, key)
	}
	return err
}

func dropStale(ctx context.Context, rdb redis.UniversalClient, key string) {
	rdb.ZRemRangeByScore(ctx, key, "-inf", strconv.FormatInt(time.Now().Add(-staleAfter).Unix(), 10))
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
