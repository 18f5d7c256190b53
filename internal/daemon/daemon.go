package daemon

import (
	"context"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/metrics"
	"github.com/wecomq/wecomq/internal/redisclock"
)

// Config is the configuration of a [Daemon].
type Config struct {
	Gateway bool     // accept messages by HTTP
	Worker  bool     // send messages
	Apps    []string // apps that the worker serves; empty for all
	// Listen is the address of the gateway; empty for the one in the config. Without a gateway it is the
	// address of health and metrics; empty for none.
	Listen string
	// On each receive from Hangup the daemon switches to the config that Load returns;
	// nil for never.
	Hangup <-chan os.Signal
	Load   func() (*config.Config, error)
}

// Daemon is a long-running gateway, worker, or both.
type Daemon struct {
	cfg        Config
	deployment *Deployment // current
	metrics    *metrics.Metrics
	gateway    *gatewayServer // nil where there is none
	worker     *workerServer  // nil where there is none
	notifying  *notifying     // likewise
	auditing   *auditing
	endpoints  []endpoint    // the first is that of Addr
	stopping   chan struct{} // closed when Run is asked to end
}

// New returns a daemon that is listening. The caller must call Run once.
func New(ctx context.Context, deployment *Deployment, cfg Config) (*Daemon, error) {
	d := &Daemon{cfg: cfg, deployment: deployment.measured(), stopping: make(chan struct{})}
	d.metrics, d.auditing = d.deployment.metrics, newAuditing(d.deployment)
	var err error
	if cfg.Gateway {
		if d.gateway, err = newGatewayServer(d.deployment, d.stopping); err != nil { //nolint:contextcheck // requests bring their own
			return nil, err
		}
	}
	if cfg.Worker {
		d.deployment.warnOfRedis(ctx)
		if d.worker, err = newWorkerServer(d.deployment, cfg.Apps); err != nil {
			return nil, err
		}
		if d.notifying, err = newNotifying(d.deployment, cfg.Apps); err != nil {
			return nil, err
		}
	}
	return d, d.listen(ctx)
}

// Addr is the address the daemon listens on, nil if it serves no HTTP.
func (d *Daemon) Addr() net.Addr {
	if len(d.endpoints) == 0 {
		return nil
	}
	return d.endpoints[0].listener.Addr()
}

// Run serves until ctx ends, then lets requests and calls in flight finish, and returns
// nil. If a part fails, the others are stopped and Run returns its error.
func (d *Daemon) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	context.AfterFunc(ctx, func() { close(d.stopping) })
	started := d.deployment // a reload replaces it
	for _, e := range d.endpoints {
		group.Go(func() error { return serveHTTP(ctx, e.listener, e.handler, &started.log) })
	}
	if d.gateway != nil {
		group.Go(func() error { return d.gateway.webhooks.run(ctx) })
		group.Go(func() error {
			d.gateway.lastUses.run(ctx)
			return nil
		})
	}
	if d.worker != nil {
		group.Go(func() error { return d.worker.Run(ctx) }) // it watches the clock itself
		group.Go(func() error {
			d.notifying.run(ctx)
			return nil
		})
	} else {
		group.Go(func() error {
			redisclock.New(started.rdb).Watch(ctx, started.log)
			return nil
		})
	}
	group.Go(func() error {
		d.auditing.run(ctx)
		return nil
	})
	group.Go(func() error { return d.reloadOnHangup(ctx) })
	return group.Wait()
}
