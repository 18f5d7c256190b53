package stage

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// App is the alias of the one app.
const App = "ops"

// Landscape is the environment of workers: a Redis and a WeCom of their own.
type Landscape struct {
	Dir       string // for files; removed with the landscape
	Redis     *Redis
	Simulator *Simulator
	WeCom     string // the URL that workers call: that of the simulator, unless a proxy is put before it
	Workers   []*Process
}

// Open starts a redis-server and a simulator with these rules. Close stops them.
func Open(ctx context.Context, wecomq string, rules wecomtest.Rules) (*Landscape, error) {
	dir, err := os.MkdirTemp("", "stage-")
	if err != nil {
		return nil, err
	}
	l := &Landscape{Dir: dir}
	if err := l.start(ctx, wecomq, rules); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Landscape) start(ctx context.Context, wecomq string, rules wecomtest.Rules) (err error) {
	if l.Redis, err = StartRedis(ctx, l.Dir); err != nil {
		return err
	}
	file := filepath.Join(l.Dir, "rules.json")
	if err = WriteJSON(file, rules); err != nil {
		return err
	}
	if l.Simulator, err = startSimulator(ctx, wecomq, file); err == nil {
		l.WeCom = l.Simulator.URL
	}
	return err
}

// Close stops every process and removes their files.
func (l *Landscape) Close() {
	for _, worker := range l.Workers {
		worker.Kill()
	}
	if l.Simulator != nil {
		l.Simulator.process.Kill()
	}
	if l.Redis != nil {
		l.Redis.Close()
	}
	_ = os.RemoveAll(l.Dir)
}

// StartWorkers starts n processes of a program, and waits until each has written a line that
// contains up.
func (l *Landscape) StartWorkers(ctx context.Context, n int, up, path string, args ...string) error {
	for range n {
		p, err := Start(path, nil, args...)
		if err != nil {
			return err
		}
		l.Workers = append(l.Workers, p)
	}
	for _, p := range l.Workers {
		if _, err := p.AwaitLine(ctx, up); err != nil {
			return err
		}
	}
	return nil
}

// WriteConfig writes a config for wecomq in which the app has these limits, and returns
// the file's path.
func (l *Landscape) WriteConfig(limits map[string]any) (string, error) {
	file := filepath.Join(l.Dir, "wecomq.yaml")
	return file, WriteJSON(file, map[string]any{
		"redis": map[string]any{"url": l.Redis.URL},
		"apps": map[string]any{App: map[string]any{
			"corp_id": wecomtest.CorpID, "agent_id": strconv.Itoa(wecomtest.AgentID), "secret": wecomtest.Secret,
			"api_base_url": l.WeCom, "limits": limits,
		}},
	})
}

// Alive returns an error that names a process that has ended early, if any.
func (l *Landscape) Alive() error {
	for _, p := range append(l.Workers, l.Redis.Process, l.Simulator.process) {
		if err := p.Alive(); err != nil {
			return err
		}
	}
	return nil
}
