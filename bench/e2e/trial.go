package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

// app is the alias of the one app.
const app = "ops"

// trial is one run of one way to send.
type trial struct {
	settings

	way     string
	dir     string
	redis   *stage.Redis
	address string           // of Redis for the worker
	proxy   *toxiproxy.Proxy // at that address, if there is a delay
	wecom   *stage.Process
	url     string           // of wecom
	running []*stage.Process // the workers
}

// result has the measurements; costs are per message.
type result struct {
	rate      float64       // messages a second
	workerCPU time.Duration // per message
	redisCPU  time.Duration
	commands  float64 // that Redis ran, those inside scripts included
	calls     float64 // commands that Redis was sent
	ping      time.Duration
}

func newTrial(ctx context.Context, s settings, way string) (*trial, error) {
	dir, err := os.MkdirTemp("", "e2e-")
	if err != nil {
		return nil, err
	}
	t := &trial{settings: s, way: way, dir: dir}
	for _, start := range []func(context.Context) error{t.startRedis, t.startProxy, t.startWeCom} {
		if err := start(ctx); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

// close stops every process and removes their files.
func (t *trial) close() {
	for _, p := range t.running {
		p.Kill()
	}
	if t.wecom != nil {
		t.wecom.Kill()
	}
	if t.proxy != nil {
		t.proxy.Stop()
	}
	if t.redis != nil {
		t.redis.Close()
	}
	_ = os.RemoveAll(t.dir)
}

// freeAddress is an address that is not in use.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (t *trial) startRedis(ctx context.Context) (err error) {
	if t.address, err = freeAddress(ctx); err != nil {
		return err
	}
	_, port, _ := strings.Cut(t.address, ":")
	t.redis, err = stage.StartRedis(ctx, t.dir, "port "+port, "bind 127.0.0.1")
	return err
}

func (t *trial) startWeCom(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if t.wecom, err = stage.Start(self, nil, wecomCommand); err != nil {
		return err
	}
	line, err := t.wecom.AwaitLine(ctx, "url: ")
	t.url = strings.TrimPrefix(line, "url: ")
	return err
}

func (t *trial) run(ctx context.Context) (result, error) {
	if err := t.fill(ctx); err != nil {
		return result{}, fmt.Errorf("enqueue: %w", err)
	}
	ping, err := t.ping(ctx)
	if err != nil {
		return result{}, err
	}
	before, err := t.readRedis(ctx)
	if err != nil {
		return result{}, err
	}
	for range t.processes {
		if err := t.startWorker(1); err != nil {
			return result{}, err
		}
	}
	arrived, err := t.awaitEnd(ctx)
	if err != nil {
		return result{}, err
	}
	after, err := t.readRedis(ctx)
	if err != nil {
		return result{}, err
	}
	cpu, err := t.cpu()
	if err != nil {
		return result{}, err
	}
	n := float64(t.messages)
	return result{
		rate: arrived.Rate, workerCPU: cpu / time.Duration(t.messages), redisCPU: time.Duration((after.cpu - before.cpu) / n * 1e9),
		commands: (after.commands - before.commands) / n, calls: (after.calls - before.calls) / n, ping: ping,
	}, nil
}

// ping is the median round trip to Redis, of a hundred.
func (t *trial) ping(ctx context.Context) (time.Duration, error) {
	rdb := redis.NewClient(&redis.Options{Addr: t.address, PoolSize: 1})
	defer func() { _ = rdb.Close() }()
	times := make([]time.Duration, 100)
	for i := range times {
		began := time.Now()
		if err := rdb.Ping(ctx).Err(); err != nil {
			return 0, err
		}
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// fill enqueues the messages, each to a different member.
func (t *trial) fill(ctx context.Context) error {
	if t.way == wayLoop {
		return nil
	}
	p, err := producer.New(t.redis.Client, producer.Config{App: app})
	if err != nil {
		return err
	}
	const batch = 10_000
	for first := 0; first < t.messages; first += batch {
		messages := make([]producer.Message, min(batch, t.messages-first))
		for i := range messages {
			messages[i] = producer.Message{Request: text(first + i)}
		}
		for _, result := range p.SendBatch(ctx, messages) {
			if result.Err != nil {
				return result.Err
			}
		}
	}
	return nil
}

func text(i int) message.Request {
	user := fmt.Sprintf("user-%d", i)
	return message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: user}, Text: message.TextField{Content: "CPU of web-07 at 97 % for 5 minutes. For " + user},
	}
}

// cpu is the processor time that the workers have used.
func (t *trial) cpu() (sum time.Duration, err error) {
	for _, p := range t.running {
		cpu, err := p.CPU()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// startWorker starts a worker for this number of apps; the first has the messages.
func (t *trial) startWorker(apps int) error {
	path, args := t.wecomq, []string{"worker", "-c", t.configFile(), "--listen", "127.0.0.1:0"}
	var err error
	if t.way == wayWecomq {
		err = stage.WriteJSON(args[2], t.config(apps))
	} else if path, err = os.Executable(); err == nil {
		var text []byte
		text, err = json.Marshal(rival{Way: t.way, Redis: "redis://" + t.address, WeCom: t.url, Concurrency: t.concurrency, Messages: t.messages})
		args = []string{rivalCommand, string(text)}
	}
	if err != nil {
		return err
	}
	return t.start(path, args...)
}

// start starts a process that counts as a worker.
func (t *trial) start(path string, args ...string) error {
	p, err := stage.Start(path, nil, args...)
	if err == nil {
		t.running = append(t.running, p)
	}
	return err
}

// config is a wecomq.yaml with limits too high to matter.
func (t *trial) config(apps int) map[string]any {
	return map[string]any{
		"redis": map[string]any{"url": "redis://" + t.address},
		"apps":  t.appConfigs(apps),
	}
}

// awaitEnd waits until all messages have arrived, and none is active any more.
func (t *trial) awaitEnd(ctx context.Context) (throughput, error) {
	for {
		var arrived throughput
		if err := stage.GetJSON(ctx, t.url+"/moments", &arrived); err != nil {
			return arrived, err
		}
		if arrived.Arrived > t.messages {
			return arrived, fmt.Errorf("%d calls for %d messages", arrived.Arrived, t.messages)
		}
		active, err := t.redis.Client.LLen(ctx, "asynq:{"+tasks.Queue(app, tasks.Default)+"}:active").Result()
		if err != nil || (arrived.Arrived == t.messages && active == 0) {
			return arrived, err
		}
		if err := errors.Join(t.alive(), stage.Wait(ctx, 20*stage.PollInterval)); err != nil {
			return arrived, err
		}
	}
}

// alive returns an error with the output of a worker that has ended.
func (t *trial) alive() error {
	for _, p := range t.running {
		if err := p.Alive(); err != nil {
			return err
		}
	}
	return nil
}

// startProxy puts the delay between the worker and Redis.
func (t *trial) startProxy(context.Context) error {
	if t.delay == 0 {
		return nil
	}
	toxics.Register(delayType, new(delayToxic))
	proxy, err := stage.StartProxy(t.address, fmt.Sprintf(`{"type":%q,"stream":"downstream","attributes":{"delay":%d}}`, delayType, t.delay))
	if err != nil {
		return err
	}
	t.proxy, t.address = proxy, proxy.Listen
	return nil
}
