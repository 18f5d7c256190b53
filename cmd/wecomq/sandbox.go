package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// sandbox is all that wecomq needs around it, in this process: an embedded Redis, a
// simulated WeCom, and a config that names them.
type sandbox struct {
	redis    *embedded.Redis
	sim      *wecomtest.Simulator
	listener net.Listener // of the simulator
	config   *config.Config
}

func newSandbox(ctx context.Context, rules wecomtest.Rules) (*sandbox, error) {
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
	s := &sandbox{redis: store, sim: sim, listener: listener}
	s.config = &config.Config{
		Redis: config.Redis{URL: wecom.Secret(store.URL())},
		Apps: map[string]*config.App{config.DefaultApp: {
			Name: config.DefaultApp, CorpID: wecomtest.CorpID, AgentID: strconv.Itoa(wecomtest.AgentID), Secret: wecomtest.Secret,
			APIBaseURL: s.url(), Timeout: wecom.DefaultTimeout, Concurrency: tasks.DefaultConcurrency, OnUnknown: "resend",
			Retention: tasks.DefaultRetention(), RecordTTL: 24 * time.Hour, Limits: tasks.DefaultLimits(),
		}},
		Gateway: config.Gateway{Webhooks: webhook.DefaultConfig()},
	}
	return s, nil
}

// app is the one that the environment makes, too, so that `wecomq send` from another
// terminal reaches its worker.
func (s *sandbox) app() *config.App { return s.config.Apps[config.DefaultApp] }

// url is where the simulated WeCom is.
func (s *sandbox) url() string { return "http://" + s.listener.Addr().String() }

// run answers as WeCom does, until ctx ends.
func (s *sandbox) run(ctx context.Context) error { return daemon.ServeHTTP(ctx, s.listener, s.sim) }

func (s *sandbox) close() {
	_ = s.listener.Close() // run has closed it, if it came to that
	s.redis.Close()
}
