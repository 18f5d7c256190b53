package daemon

import (
	"cmp"
	"context"
	"net"
	"net/http"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/problem"
)

// defaultListen is where a gateway listens when its config comes from the environment.
const defaultListen = "127.0.0.1:8080"

// endpoint is an address, and what is served there.
type endpoint struct {
	listener net.Listener
	handler  http.Handler
}

// listen listens on the addresses of flag and config.
func (d *Daemon) listen(ctx context.Context) error {
	if d.gateway == nil {
		return d.listenForHealth(ctx, "--listen", d.cfg.Listen)
	}
	own, log := d.deployment.Config.Gateway, d.deployment.log
	addr := cmp.Or(d.cfg.Listen, own.Listen, defaultListen)
	if err := d.open(ctx, "--listen", addr, d.gateway, d.gateway.certificate.over); err != nil {
		return err
	}
	if err := d.listenForHealth(ctx, "gateway.metrics_listen", own.MetricsListen); err != nil {
		return err
	}
	log.Info().Stringer("addr", d.Addr()).Bool("tls", own.TLS != nil).Int("tokens", len(own.Tokens)).Msg("gateway is up")
	if len(own.Tokens) == 0 {
		log.Warn().Msg("gateway.tokens is empty: every call of the API is answered 401")
	}
	if text := heardOnTheWay(own, addr); text != "" {
		log.Warn().Msg("traffic to the gateway can be intercepted: " + text)
	}
	return nil
}

// listenForHealth serves health and metrics at an address, "" for none.
func (d *Daemon) listenForHealth(ctx context.Context, key, addr string) error {
	if addr == "" {
		return nil
	}
	started := d.deployment // a reload replaces it
	err := d.open(ctx, key, addr, healthHandler(d.metrics.Handler(), d.readyUnlessStopping(started), started.log), plain)
	if err == nil {
		started.log.Info().Stringer("addr", d.endpoints[len(d.endpoints)-1].listener.Addr()).Msg("health and metrics")
	}
	return err
}

func plain(listener net.Listener) net.Listener { return listener }

// open adds an endpoint, whose connections are made by over. An address that cannot be used is a mistake of the key that has it.
func (d *Daemon) open(ctx context.Context, key, addr string, handler http.Handler, over func(net.Listener) net.Listener) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		for _, e := range d.endpoints {
			_ = e.listener.Close()
		}
		return config.Errorf("%s: %w", key, err)
	}
	d.endpoints = append(d.endpoints, endpoint{over(listener), handler})
	return nil
}

// readyUnlessStopping fails the readiness probe before the shutdown, for load balancers.
func (d *Daemon) readyUnlessStopping(deployment *Deployment) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-d.stopping:
			return problem.ErrStopping
		default:
			return deployment.Ready(ctx)
		}
	}
}
