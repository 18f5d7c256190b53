package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// baselineCommand makes this program a worker; a [baseline] in JSON follows.
const baselineCommand = "baseline"

// concurrency is the number of handlers of a worker, wecomq's default.
const concurrency = tasks.DefaultConcurrency

// baseline is a worker that applies the limit in one of the usual ways. It takes the same tasks from the same
// queues as wecomq, and calls WeCom with the same client and shared token; it keeps no records.
type baseline struct {
	Pattern     string        `json:"pattern"`
	Redis       string        `json:"redis"`
	WeCom       string        `json:"wecom"`
	Limit       int           `json:"limit"` // calls a minute, of all workers
	Workers     int           `json:"workers"`
	DelayedPoll time.Duration `json:"delayed_poll"` // 0 for asynq's
}

// gate decides whether a message may go now: it may wait, or refuse with an error.
type gate func(ctx context.Context) error

// errOverLimit is returned by a handler whose message must be retried.
var errOverLimit = errors.New("over the limit")

func runBaseline(ctx context.Context, args []string, stderr io.Writer) error {
	var b baseline
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &b); err != nil {
		return fmt.Errorf("%s: %w", baselineCommand, err)
	}
	rdb, err := redisconn.Open(b.Redis, concurrency)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	h, err := b.handler(rdb)
	if err != nil {
		return err
	}
	server := b.server(rdb)
	if err := server.Start(h); err != nil {
		return err
	}
	defer server.Shutdown()
	return h.serveMetrics(ctx, stderr)
}

// server is an asynq server with asynq's own defaults, except for its queues.
func (b baseline) server(rdb redis.UniversalClient) *asynq.Server {
	queues := map[string]int{}
	for i, p := range tasks.Priorities() {
		queues[tasks.Queue(stage.App, p)] = len(tasks.Priorities()) - i
	}
	return asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: concurrency, Queues: queues, StrictPriority: true, DelayedTaskCheckInterval: b.DelayedPoll,
		LogLevel:       asynq.ErrorLevel,
		IsFailure:      func(err error) bool { return !errors.Is(err, errOverLimit) },
		RetryDelayFunc: retryDelay,
	})
}

// retryDelay is the one on asynq's page about rate limits: up to ten seconds, at random.
func retryDelay(n int, err error, task *asynq.Task) time.Duration {
	if errors.Is(err, errOverLimit) {
		return time.Duration(rand.IntN(10)) * time.Second //nolint:gosec // no secret
	}
	return asynq.DefaultRetryDelayFunc(n, err, task)
}

func (b baseline) handler(rdb redis.UniversalClient) (*handler, error) {
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: b.WeCom,
		Transport:  wecom.NewTransport(nil, concurrency),
		TokenStore: tokenstore.New(rdb, stage.App, wecomtest.CorpID, wecomtest.Secret),
	})
	if err != nil {
		return nil, err
	}
	pass := newDenial(b.Limit, b.Workers)
	if b.Pattern == reserve {
		pass = newReservation(rdb, b.Limit)
	}
	return &handler{client: client, pass: pass}, nil
}

// handler is an asynq handler: it passes the gate and calls WeCom.
type handler struct {
	client   *wecom.Client
	pass     gate
	dequeues atomic.Int64
}

// ProcessTask implements [asynq.Handler].
func (h *handler) ProcessTask(ctx context.Context, task *asynq.Task) error {
	h.dequeues.Add(1)
	payload, err := tasks.Decode(task.Type(), task.Payload())
	if err != nil {
		return err
	}
	if err := h.pass(ctx); err != nil {
		return err
	}
	body := message.FillAgentID(payload.Body, strconv.Itoa(wecomtest.AgentID))
	return h.client.Post(ctx, message.APISend, body, new(message.SendResponse))
}

// serveMetrics prints its address, and serves until ctx ends.
func (h *handler) serveMetrics(ctx context.Context, stderr io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %d\n", dequeuesMetric, h.dequeues.Load())
	})}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	_, _ = fmt.Fprintf(stderr, `{"addr":%q}`+"\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
