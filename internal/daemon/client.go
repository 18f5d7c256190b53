package daemon

import (
	"net/http"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/metrics"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/wecom"
)

// client returns a client for an app that uses the access token shared by all processes,
// and counts its calls if the process has metrics.
func (d *Deployment) client(app *config.App) (metrics.Client, error) {
	client, err := d.plainClient(app, d.tokens(app))
	if err != nil {
		return nil, err
	}
	if d.metrics == nil {
		return client, nil
	}
	return d.metrics.CountCalls(app.Name, client), nil
}

// plainClient returns a client for an app. With a nil store it shares no access token.
func (d *Deployment) plainClient(app *config.App, store wecom.TokenStore) (*wecom.Client, error) {
	return wecom.NewClient(wecom.Config{
		CorpID: app.CorpID, Secret: app.Secret, BaseURL: app.APIBaseURL, Timeout: app.Timeout,
		Transport: d.transport(app), TokenStore: store,
	})
}

// tokens is the store of the access token that all processes share.
func (d *Deployment) tokens(app *config.App) wecom.TokenStore {
	store := d.tokenStore(app)
	if d.metrics == nil {
		return store
	}
	return d.metrics.CountTokens(app.Name, store)
}

func (d *Deployment) tokenStore(app *config.App) *tokenstore.Store {
	log := d.log.With().Str(fields.Component, "tokenstore").Str(fields.App, app.Name).Logger()
	return tokenstore.New(d.rdb, app.Name, app.CorpID, app.Secret).Sealed(d.started.Redis.EncryptionKeys, func(err error) {
		log.Warn().Err(err).Msg("the access token in Redis cannot be read: another one is fetched; give all processes the same redis.encryption_key")
	})
}

// transport returns the connection pool shared by all apps with the same proxy.
func (d *Deployment) transport(app *config.App) http.RoundTripper {
	transport, ok := d.transports[app.Proxy]
	if !ok {
		idle := 0
		for _, other := range d.Config.Apps {
			if other.Proxy == app.Proxy {
				idle += other.Concurrency
			}
		}
		transport = wecom.NewTransport(app.ProxyURL(), idle)
		d.transports[app.Proxy] = transport
	}
	return transport
}
