package daemon

import (
	"context"
	"net/http"
	"slices"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/metrics"
	"github.com/wecomq/wecomq/wecom"
)

// reloadable is a part of a process that can switch to another config.
type reloadable interface {
	// prepare checks and prepares the new config. Only apply puts it into effect, after
	// all parts are prepared: a config that one part rejects changes nothing anywhere.
	prepare(next *Deployment) (apply func(), err error)
}

// reloadOnHangup reloads the config on each hangup, until ctx ends.
func (d *Daemon) reloadOnHangup(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.cfg.Hangup:
			d.deployment = d.deployment.reload(signalled(ctx, d.deployment), d.cfg.Load, d.parts())
		}
	}
}

// parts are the parts that a reload affects.
func (d *Daemon) parts() []reloadable {
	var parts []reloadable
	if d.gateway != nil {
		parts = append(parts, d.gateway)
	}
	if d.worker != nil {
		parts = append(parts, d.worker, d.notifying)
	}
	return append(parts, watched{d.metrics}, d.auditing)
}

// watched are the apps and tokens that the metrics report.
type watched struct{ *metrics.Metrics }

func (w watched) prepare(next *Deployment) (apply func(), err error) {
	return func() {
		w.WatchApps(next.Inspector())
		w.WatchTokens(next.limits())
	}, nil
}

// reload returns the deployment to use from now on: the old one if the new config is
// invalid.
func (d *Deployment) reload(ctx context.Context, load func() (*config.Config, error), parts []reloadable) (next *Deployment) {
	var err error
	defer func() { activity.Record(ctx, activity.Reload, "", "", err) }()
	cfg, err := load()
	if err != nil {
		d.log.Error().Err(err).Msg("reload: the config is invalid, nothing changed")
		return d
	}
	next = d.with(cfg)
	applies := make([]func(), len(parts))
	for i, part := range parts {
		if applies[i], err = part.prepare(next); err != nil {
			d.log.Error().Err(err).Msg("reload: the config cannot be used, nothing changed")
			return d
		}
	}
	for _, apply := range applies {
		apply()
	}
	if changed := changedTokens(d.Config.Gateway.Tokens, cfg.Gateway.Tokens); changed != "" {
		activity.Record(ctx, activity.ChangeTokens, "", changed, nil)
	}
	d.readiness.watch(cfg.AppNames())
	for _, key := range d.frozen(cfg) {
		d.log.Warn().Str("key", key).Msg("reload: this key takes effect only after a restart")
	}
	d.log.Info().Strs("apps", cfg.AppNames()).Int("tokens", len(cfg.Gateway.Tokens)).Msg("config reloaded")
	for _, warning := range cfg.Warnings {
		d.log.Warn().Msg(warning)
	}
	return next
}

// with returns the deployment with another config; both share Redis and the log.
func (d *Deployment) with(cfg *config.Config) *Deployment {
	next := *d
	next.Config, next.transports = cfg, map[wecom.Secret]http.RoundTripper{}
	return &next
}

// frozen returns the changed keys that a reload cannot change.
func (d *Deployment) frozen(cfg *config.Config) []string {
	var keys []string
	for key, changed := range map[string]bool{
		"redis.url":              cfg.Redis.URL != d.started.Redis.URL,
		"redis.encryption_key":   !cfg.Redis.EncryptionKeys.Equal(d.started.Redis.EncryptionKeys),
		"redis.durability":       cfg.Redis.AwaitReplica != d.started.Redis.AwaitReplica,
		"gateway.listen":         cfg.Gateway.Listen != d.started.Gateway.Listen,
		"gateway.metrics_listen": cfg.Gateway.MetricsListen != d.started.Gateway.MetricsListen,
		"gateway.tls":            (cfg.Gateway.TLS == nil) != (d.started.Gateway.TLS == nil),
		"gateway.public_url":     cfg.Gateway.PublicURL != d.started.Gateway.PublicURL,
		"log":                    cfg.Log != d.started.Log,
	} {
		if changed {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
