package main

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/wecom"
)

// hangupAnnotation marks the commands that SIGHUP reloads; it ends the others.
const hangupAnnotation = "wecomq/hangup"

func reloadsOnHangup() map[string]string { return map[string]string{hangupAnnotation: "reload"} }

// reloadable is a part of a process that can go on with another config.
type reloadable interface {
	// prepare checks what is new and gets it ready. Only apply puts it into force,
	// once all parts are ready: a config that one of them cannot live with changes
	// nothing anywhere.
	prepare(next *deployment) (apply func(), err error)
}

// reloadOnHangup loads the config again at each SIGHUP, until ctx ends.
func (g *globals) reloadOnHangup(
	ctx context.Context, d *deployment, load func() (*config.Config, error), parts ...reloadable,
) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-g.hangup:
			d = d.reload(load, parts)
		}
	}
}

// reload gives the deployment in force afterwards: the old one if the new config
// is invalid.
func (d *deployment) reload(load func() (*config.Config, error), parts []reloadable) *deployment {
	cfg, err := load()
	if err != nil {
		d.log.Error().Err(err).Msg("reload: the config is invalid, nothing changed")
		return d
	}
	next := d.with(cfg)
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
	for _, key := range d.frozen(cfg) {
		d.log.Warn().Str("key", key).Msg("reload: this key takes effect after a restart only")
	}
	d.log.Info().Strs("apps", slices.Sorted(maps.Keys(cfg.Apps))).Int("tokens", len(cfg.Gateway.Tokens)).Msg("config reloaded")
	for _, warning := range cfg.Warnings {
		d.log.Warn().Msg(warning)
	}
	return next
}

// with is the deployment with another config: it shares Redis and the log.
func (d *deployment) with(cfg *config.Config) *deployment {
	next := *d
	next.cfg, next.transports = cfg, map[wecom.Secret]http.RoundTripper{}
	return &next
}

// frozen are the keys that have changed since the start, but that a reload cannot
// change.
func (d *deployment) frozen(cfg *config.Config) []string {
	var keys []string
	for key, changed := range map[string]bool{
		"redis.url":      cfg.Redis.URL != d.started.Redis.URL,
		"gateway.listen": cfg.Gateway.Listen != d.started.Gateway.Listen,
		"log":            cfg.Log != d.started.Log,
	} {
		if changed {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
