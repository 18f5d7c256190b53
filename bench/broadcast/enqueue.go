package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/redisconn"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// enqueueCommand makes this program the creator of the asynq way; an [enqueue] in JSON follows.
const enqueueCommand = "enqueue"

// enqueuers is how many goroutines enqueue.
const enqueuers = 16

// enqueue reads the list and enqueues a task for each recipient.
type enqueue struct {
	Redis string        `json:"redis"`
	List  string        `json:"list"`
	Words string        `json:"words"`
	For   time.Duration `json:"for"` // at most
}

func runEnqueue(ctx context.Context, args []string, stdout io.Writer) error {
	var e enqueue
	if err := json.Unmarshal([]byte(strings.Join(args, " ")), &e); err != nil {
		return fmt.Errorf("%s: %w", enqueueCommand, err)
	}
	rdb, err := redisconn.Open(e.Redis, enqueuers)
	if err != nil {
		return err
	}
	defer func() { _ = rdb.Close() }()
	n, err := e.all(ctx, asynq.NewClientFromRedisClient(rdb))
	if err == nil {
		_, err = fmt.Fprintln(stdout, n)
	}
	return err
}

// all enqueues the tasks, and returns how many.
func (e enqueue) all(ctx context.Context, client *asynq.Client) (int, error) {
	file, err := os.Open(e.List)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	words, err := template.New("").Parse(text(e.Words))
	if err != nil {
		return 0, err
	}
	rows := csv.NewReader(file)
	if _, err := rows.Read(); err != nil { // the header
		return 0, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(enqueuers)
	n := 0
	for end := time.Now().Add(e.For); time.Now().Before(end) && ctx.Err() == nil; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return 0, err
		}
		group.Go(func() error {
			var rendered strings.Builder
			if err := words.Execute(&rendered, map[string]string{"name": row[1], "amount": row[2]}); err != nil {
				return err
			}
			return enqueueTask(ctx, client, bulkQueue, row[0], rendered.String())
		})
	}
	return n, group.Wait()
}

// enqueueTask enqueues a message with a complete body.
func enqueueTask(ctx context.Context, client *asynq.Client, queue, user, text string) error {
	body, err := json.Marshal(message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: user, MsgType: string(message.TypeText), AgentID: strconv.Itoa(wecomtest.AgentID)},
		Text:              message.TextField{Content: text},
	})
	if err != nil {
		return err
	}
	_, err = client.EnqueueContext(ctx, asynq.NewTask("message", body), asynq.Queue(queue))
	return err
}
