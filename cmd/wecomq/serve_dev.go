package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// runDev serves with everything that serving needs.
func runDev(ctx context.Context, g *globals, listen string) error {
	store, err := embedded.Start()
	if err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	defer store.Close()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	simulatorURL, token := "http://"+listener.Addr().String(), rand.Text()
	cfg := devConfig(store.URL(), simulatorURL, token)
	d, err := deploy(cfg, g.logger("info", "console"))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer d.close()
	if d.traces, err = g.openTraces(ctx, d.log); err != nil {
		return errors.Join(err, listener.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serveHTTP(ctx, listener, sim) })
	group.Go(func() error {
		return runServe(ctx, g, d, listen, func() (*config.Config, error) { return cfg, nil }, func(addr string) {
			_, _ = fmt.Fprintf(g.stderr, devText, addr, token, store.URL(), simulatorURL, wecomtest.CorpID, wecomtest.AgentID)
		})
	})
	return group.Wait()
}

const devText = `wecomq serve --dev: gateway, worker, Redis and a simulated WeCom, all in this process.

  gateway:    http://%[1]s  (in a browser: log in with the token; its API: http://%[1]s/docs)
  token:      %[2]s
  redis:      %[3]s
  simulator:  %[4]s  (in a browser: what arrived)

Send a message, and see it arrive:

  curl -H 'Authorization: Bearer %[2]s' http://%[1]s/v1/messages \
    -d '{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}'
  curl '%[4]s/admin/messages?limit=5'

What speaks to WeCom itself takes these: base URL http://%[1]s, corpid %[5]s,
agentid %[6]d, corpsecret %[2]s

`

// devConfig is one app of the simulator, and one token that may do everything.
func devConfig(redisURL, simulatorURL, token string) *config.Config {
	return &config.Config{
		Redis: config.Redis{URL: wecom.Secret(redisURL)},
		Apps: map[string]*config.App{demoApp: {
			Name: demoApp, CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), Secret: wecomtest.Secret,
			APIBaseURL: simulatorURL, Timeout: wecom.DefaultTimeout, Concurrency: 16, OnUnknown: "resend",
			Retention: tasks.DefaultRetention(), RecordTTL: 24 * time.Hour, Limits: tasks.DefaultLimits(),
		}},
		Gateway: config.Gateway{
			Webhooks: webhook.DefaultConfig(),
			Tokens: []config.Token{{
				Name: "dev", SHA256: sha256.Sum256([]byte(token)), Apps: []string{demoApp},
				Scopes: []config.Scope{config.ScopeSend, config.ScopeRead, config.ScopeAdmin},
			}},
		},
	}
}
