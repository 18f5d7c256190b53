// Package sandbox provides the environment of wecomq in this process: an embedded Redis, a simulated WeCom, and
// a config for them.
package sandbox

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Sandbox is a Redis and a WeCom in this process. Nothing in it outlives the process.
type Sandbox struct {
	Config   *config.Config
	Sim      *wecomtest.Simulator
	Listener net.Listener // of the simulator, which the caller serves

	redis *embedded.Redis
}

// New starts the Redis, and opens the port of a simulator with these rules.
func New(ctx context.Context, rules wecomtest.Rules) (*Sandbox, error) {
	sim, err := wecomtest.New(rules)
	if err != nil {
		return nil, err
	}
	store, err := embedded.Start()
	if err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		store.Close()
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	s := &Sandbox{redis: store, Sim: sim, Listener: listener}
	s.Config = &config.Config{
		Redis: config.Redis{URL: wecom.Secret(store.URL())},
		Apps: map[string]*config.App{config.DefaultApp: {
			Name: config.DefaultApp, CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), Secret: wecomtest.Secret,
			APIBaseURL: s.URL(), Timeout: wecom.DefaultTimeout, Concurrency: tasks.DefaultConcurrency, OnUnknown: "resend",
			Retention: tasks.DefaultRetention(), RecordTTL: 24 * time.Hour, Limits: tasks.DefaultLimits(),
		}},
		Gateway: config.Gateway{Webhooks: webhook.DefaultConfig()},
	}
	return s, nil
}

// App is the one that the environment defines, too, so that `wecomq send` from another terminal reaches its worker.
func (s *Sandbox) App() *config.App { return s.Config.Apps[config.DefaultApp] }

// URL is the address of the simulated WeCom.
func (s *Sandbox) URL() string { return "http://" + s.Listener.Addr().String() }

// RedisURL is the address of the Redis.
func (s *Sandbox) RedisURL() string { return s.redis.URL() }

// Close stops the Redis, and closes the listener if it was not served.
func (s *Sandbox) Close() {
	_ = s.Listener.Close()
	s.redis.Close()
}
