package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

// The queues of the asynq way, the urgent one first.
const (
	criticalQueue = "critical"
	bulkQueue     = "bulk"
)

// asynqWay is the usual way: one asynq task per recipient.
type asynqWay struct {
	trial

	self   string // the path of this program
	client *asynq.Client
	queues *asynq.Inspector
}

func newAsynqWay(ctx context.Context, t trial) (way, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command, err := json.Marshal(work{Redis: t.Redis.URL, WeCom: t.Simulator.URL})
	if err != nil {
		return nil, err
	}
	w := &asynqWay{t, self, asynq.NewClientFromRedisClient(t.Redis.Client), asynq.NewInspectorFromRedisClient(t.Redis.Client)}
	return w, t.StartWorkers(ctx, t.workers, workerIsUp, self, workCommand, string(command))
}

// create enqueues a task for each recipient. The queue is paused meanwhile, so that the sending time is that of
// the workers.
func (w *asynqWay) create(ctx context.Context, list string) (creation, error) {
	if err := w.queues.PauseQueue(bulkQueue); err != nil {
		return creation{}, err
	}
	command, err := json.Marshal(enqueue{Redis: w.Redis.URL, List: list, Words: w.words, For: w.asynqFor})
	if err != nil {
		return creation{}, err
	}
	output, c, err := w.runCreator(ctx, w.self, enqueueCommand, string(command))
	if err != nil {
		return creation{}, err
	}
	if _, err := fmt.Sscan(output, &c.recipients); err != nil {
		return creation{}, fmt.Errorf("read %q: %w", output, err)
	}
	return c, nil
}

func (w *asynqWay) send(context.Context) (time.Duration, error) {
	return w.asynqFor, w.queues.UnpauseQueue(bulkQueue)
}

func (w *asynqWay) alert(ctx context.Context, user string) error {
	return enqueueTask(ctx, w.client, criticalQueue, user, alertText)
}

// check returns an error if a task has failed.
func (w *asynqWay) check(context.Context) error {
	queue, err := w.queues.GetQueueInfo(bulkQueue)
	if err == nil && queue.Retry+queue.Archived > 0 {
		err = fmt.Errorf("tasks that have failed: %d", queue.Retry+queue.Archived)
	}
	return err
}
