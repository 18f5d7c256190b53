package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/bench/stage"
	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/internal/tokenstore"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	// workCommand makes this program a worker of the asynq way; a [work] in JSON follows.
	workCommand = "work"
	// workerIsUp is the output of a started worker.
	workerIsUp = "worker is up"
	// concurrency is the number of its handlers, wecomq's default.
	concurrency = tasks.DefaultConcurrency
)

// work sends the messages in the queues. It applies no limits, and keeps no records.
type work struct {
	Redis string `json:"redis"`
	WeCom string `json:"wecom"`
}

func runWork(ctx context.Context, args []string, stderr io.Writer) error {
	var w work
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &w); err != nil {
		return fmt.Errorf("%s: %w", workCommand, err)
	}
	rdb, err := redisconn.Open(w.Redis, concurrency)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: w.WeCom,
		Transport:  wecom.NewTransport(nil, concurrency),
		TokenStore: tokenstore.New(rdb, stage.App, wecomtest.CorpID, wecomtest.Secret),
	})
	if err != nil {
		return err
	}
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: concurrency, Queues: map[string]int{criticalQueue: 2, bulkQueue: 1}, StrictPriority: true, LogLevel: asynq.ErrorLevel,
	})
	err = server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		return client.Post(ctx, message.APISend, task.Payload(), new(message.SendResponse))
	}))
	if err != nil {
		return err
	}
	defer server.Shutdown()
	_, _ = fmt.Fprintln(stderr, workerIsUp)
	<-ctx.Done()
	return nil
}
