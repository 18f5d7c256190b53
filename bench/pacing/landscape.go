package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// app is the alias of the one app.
const app = "ops"

// landscape is what workers need: a Redis and a WeCom of their own.
type landscape struct {
	settings

	dir       string
	redis     *stage.Redis
	simulator *simulator
	fleet     []*stage.Process // the workers
}

func newLandscape(ctx context.Context, s settings) (*landscape, error) {
	dir, err := os.MkdirTemp("", "pacing-")
	if err != nil {
		return nil, err
	}
	l := &landscape{settings: s, dir: dir}
	for _, start := range []func(context.Context) error{l.startRedis, l.startSimulator} {
		if err := start(ctx); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// close ends every process and removes their files.
func (l *landscape) close() {
	for _, worker := range l.fleet {
		worker.Kill()
	}
	if l.simulator != nil {
		l.simulator.process.Kill()
	}
	if l.redis != nil {
		l.redis.Close()
	}
	_ = os.RemoveAll(l.dir)
}

func (l *landscape) startRedis(ctx context.Context) (err error) {
	l.redis, err = stage.StartRedis(ctx, l.dir)
	return err
}

func (l *landscape) startSimulator(ctx context.Context) error {
	rules := filepath.Join(l.dir, "rules.json")
	err := stage.WriteJSON(rules, wecomtest.Rules{
		CallsPerMinute: l.limit, Block: wecomtest.Duration(time.Minute), Keep: 10 * l.limit * int(l.duration.Minutes()+2),
	})
	if err != nil {
		return err
	}
	l.simulator, err = startSimulator(ctx, l.wecomq, rules)
	return err
}

// startWorkers starts the processes of a way to send and waits until each is up.
func (l *landscape) startWorkers(ctx context.Context, w way, n int) ([]*worker, error) {
	path, args, err := l.workerCommand(w, n)
	if err != nil {
		return nil, err
	}
	for range n {
		p, err := stage.Start(path, nil, args...)
		if err != nil {
			return nil, err
		}
		l.fleet = append(l.fleet, p)
	}
	workers := make([]*worker, n)
	for i, p := range l.fleet {
		if workers[i], err = newWorker(ctx, p, w); err != nil {
			return nil, err
		}
	}
	return workers, nil
}

func (l *landscape) workerCommand(w way, n int) (path string, args []string, err error) {
	if w.pattern == "" {
		config := filepath.Join(l.dir, "wecomq.yaml")
		return l.wecomq, []string{"worker", "-c", config, "--listen", "127.0.0.1:0"}, stage.WriteJSON(config, l.config())
	}
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(baseline{
		Pattern: w.pattern, Redis: l.redis.URL, WeCom: l.simulator.url, Limit: l.limit, Workers: n, DelayedPoll: w.delayedPoll,
	})
	return self, []string{baselineCommand, string(text)}, err
}

// config is a wecomq.yaml: JSON is YAML, too.
func (l *landscape) config() map[string]any {
	return map[string]any{
		"redis": map[string]any{"url": l.redis.URL},
		"apps": map[string]any{app: map[string]any{
			"corp_id": wecomtest.CorpID, "agent_id": strconv.Itoa(wecomtest.AgentID), "secret": wecomtest.Secret,
			"api_base_url": l.simulator.url, "limits": map[string]any{"calls_per_minute": l.limit},
		}},
	}
}

// alive names the process that has ended before its time, if any.
func (l *landscape) alive() error {
	for _, p := range append(l.fleet, l.redis.Process, l.simulator.process) {
		if err := p.Alive(); err != nil {
			return err
		}
	}
	return nil
}
