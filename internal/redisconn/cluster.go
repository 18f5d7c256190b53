package redisconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Defaults for a cluster. A request for the node of a slot may go to a node that is gone, which costs one
// timeout of a connection or reply.
const (
	// clusterReload is how old the state of the cluster may be. go-redis waits a minute.
	clusterReload      = 2 * time.Second
	clusterDialTimeout = 2 * time.Second
	clusterDials       = 1
	clusterReadTimeout = 3 * time.Second
)

func cluster(u *url.URL, own files, poolSize int) (func() redis.UniversalClient, error) {
	if db := strings.Trim(u.Path, "/"); db != "" && db != "0" {
		return nil, fmt.Errorf("database %q (Redis Cluster has only database 0)", db)
	}
	opts, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return nil, clean(err)
	}
	if opts.CredentialsProviderContext, err = own.apply(opts.TLSConfig, opts.Username, opts.Password); err != nil {
		return nil, err
	}
	opts.ContextTimeoutEnabled = true
	opts.PoolSize = cmp.Or(opts.PoolSize, poolSize)
	opts.MaxIdleConns = cmp.Or(opts.MaxIdleConns, max(idleConns, opts.MinIdleConns))
	opts.ClusterStateReloadInterval = clusterReload
	opts.DialTimeout = cmp.Or(opts.DialTimeout, clusterDialTimeout)
	opts.DialerRetries = cmp.Or(opts.DialerRetries, clusterDials)
	opts.ReadTimeout = cmp.Or(opts.ReadTimeout, clusterReadTimeout)
	return func() redis.UniversalClient { return openCluster(opts) }, nil
}

// openCluster returns a client that watches its nodes.
func openCluster(opts *redis.ClusterOptions) *redis.ClusterClient {
	client := redis.NewClusterClient(opts)
	client.OnNewNode(func(node *redis.Client) {
		watched(node).AddHook(lookout(client.ReloadState))
	})
	return client
}

// lookout is a [redis.Hook] of a node of a cluster, called when the node does not answer: another one may have
// taken over its slots.
type lookout func(context.Context)

// DialHook checks for refused connections.
func (l lookout) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		l.judge(ctx, err)
		return conn, err
	}
}

// ProcessHook checks the error of a command.
func (l lookout) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		l.judge(ctx, err)
		return err
	}
}

// ProcessPipelineHook checks the first error of a pipeline.
func (l lookout) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		l.judge(ctx, err)
		return err
	}
}

func (l lookout) judge(ctx context.Context, err error) {
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		l(ctx)
	}
}
