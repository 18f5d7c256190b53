package daemon

import (
	"fmt"
	"slices"

	"github.com/wecomq/wecomq/internal/gateway"
)

// gatewayServer is a gateway with its backends, webhooks and sites.
type gatewayServer struct {
	*gateway.Gateway

	backends    *backends
	webhooks    *webhooks
	sites       *sites
	certificate *certificate
	lastUses    *lastUses
}

func newGatewayServer(d *Deployment, stopping <-chan struct{}) (*gatewayServer, error) {
	b, cfg, err := d.gatewayConfig()
	if err != nil {
		return nil, err
	}
	hooks, err := newWebhooks(d, b)
	if err != nil {
		return nil, err
	}
	browser, err := newSites(d)
	if err != nil {
		return nil, err
	}
	own, err := newCertificate(d.Config.Gateway.TLS)
	if err != nil {
		return nil, err
	}
	uses := newLastUses(d.rdb)
	cfg.Stopping, cfg.Services.TokenUsed = stopping, uses.note
	cfg.Routes = slices.Concat(hooks.routes(), browser.routes())
	if d.Config.Gateway.MetricsListen == "" {
		cfg.Routes = append(cfg.Routes, gateway.Route{Pattern: "GET /metrics", Handler: d.metrics.Handler()})
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return nil, err
	}
	browser.gateway.Store(g)
	for _, door := range gateway.Doors() {
		d.metrics.AuthFailures(string(door), 0)
	}
	return &gatewayServer{Gateway: g, backends: b, webhooks: hooks, sites: browser, certificate: own, lastUses: uses}, nil
}

// GatewayConfig configures a gateway without webhooks, pages, metrics and reloads.
func (d *Deployment) GatewayConfig() (gateway.Config, error) {
	_, cfg, err := d.gatewayConfig()
	return cfg, err
}

func (d *Deployment) gatewayConfig() (*backends, gateway.Config, error) {
	b := &backends{}
	apply, settings, err := b.load(d)
	if err != nil {
		return nil, gateway.Config{}, err
	}
	apply()
	return b, gateway.Config{
		Services: gateway.Services{
			Queue: b, Records: b, Searcher: b, Canceller: b, Recaller: b, Replayer: b, Cards: b, Apps: b, Media: b, Broadcasts: b, Ready: d.Ready, Unknown: d.unknownPassed,
			AuthFailed: d.authFailed, Forbidden: d.forbidden, Sessions: sessions{d.rdb},
		},
		Settings: settings, Activity: d.Activity(), Logger: d.log, Version: d.options.Version, TracerProvider: d.traces.provider(),
		PublicURL: d.Config.Gateway.PublicURL,
	}, nil
}

// unknownPassed counts for the metrics, where there are any.
func (d *Deployment) unknownPassed(app string, what gateway.Unknown) {
	if d.metrics != nil {
		d.metrics.UnknownPassed(app, string(what))
	}
}

// forbidden counts for the metrics, where there are any.
func (d *Deployment) forbidden(token, limit string) {
	if d.metrics != nil {
		d.metrics.TokenRefused(token, limit)
	}
}

// authFailed counts for the metrics, where there are any.
func (d *Deployment) authFailed(door gateway.Door) {
	if d.metrics != nil {
		d.metrics.AuthFailures(string(door), 1)
	}
}

// prepare implements [reloadable].
func (s *gatewayServer) prepare(d *Deployment) (apply func(), err error) {
	swap, settings, err := s.backends.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	swapHooks, err := s.webhooks.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	swapSites, err := s.sites.load(d)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	swapCertificate, err := s.certificate.load(d.Config.Gateway.TLS)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return func() {
		swapCertificate()
		swap()
		swapHooks()
		swapSites()
		s.Reload(settings)
	}, nil
}
