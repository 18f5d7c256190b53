package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/hibiken/asynq"
	"golang.org/x/time/rate"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// rivalCommand makes this program a worker of another way; a [rival] in JSON follows.
const rivalCommand = "rival"

// rival sends with wecomq's HTTP client, and stores nothing.
type rival struct {
	Way         string `json:"way"`
	Redis       string `json:"redis"`
	WeCom       string `json:"wecom"`
	Concurrency int    `json:"concurrency"`
	Messages    int    `json:"messages"`
}

// farAway is a limit that is never reached.
const farAway = 1e9

func runRival(ctx context.Context, args []string) error {
	var r rival
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &r); err != nil {
		return fmt.Errorf("%s: %w", rivalCommand, err)
	}
	client, err := wecom.NewClient(wecom.Config{
		CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: r.WeCom, Transport: wecom.NewTransport(nil, r.Concurrency),
	})
	if err != nil {
		return err
	}
	if r.Way == wayLoop {
		return r.loop(ctx, client)
	}
	return r.serve(ctx, client)
}

// serve runs an asynq server on the one queue with messages.
func (r rival) serve(ctx context.Context, client *wecom.Client) error {
	rdb, err := redisconn.Open(r.Redis, r.Concurrency)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	server := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: r.Concurrency, Queues: map[string]int{tasks.Queue(app, tasks.Default): 1}, LogLevel: asynq.ErrorLevel,
	})
	limiter := rate.NewLimiter(farAway, farAway)
	handle := func(ctx context.Context, task *asynq.Task) error {
		payload, err := tasks.Decode(task.Type(), task.Payload())
		if err != nil {
			return err
		}
		if r.Way == wayPattern && !limiter.Allow() {
			return errors.New("over the limit")
		}
		return client.Post(ctx, message.APISend, message.FillAgentID(payload.Body, strconv.Itoa(wecomtest.AgentID)), new(message.SendResponse))
	}
	if err := server.Start(asynq.HandlerFunc(handle)); err != nil {
		return err
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

// loop calls WeCom as fast as it can.
func (r rival) loop(ctx context.Context, client *wecom.Client) error {
	bodies := make(chan []byte)
	var callers sync.WaitGroup
	for range r.Concurrency {
		callers.Go(func() {
			for body := range bodies {
				_ = client.Post(ctx, message.APISend, body, new(message.SendResponse)) // missing ones show
			}
		})
	}
	for i := range r.Messages {
		body, err := message.Encode(text(i))
		if err != nil {
			return err
		}
		bodies <- message.FillAgentID(body, strconv.Itoa(wecomtest.AgentID))
	}
	close(bodies)
	callers.Wait()
	<-ctx.Done()
	return nil
}
