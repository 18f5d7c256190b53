package asynqx

import (
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/tasks"
)

// NewTask builds the task of a message, with the options that every message has. retention is how long the
// dashboard shows it after it is finished; at is by the clock of Redis, zero for now.
func NewTask(p tasks.Payload, retention time.Duration, at time.Time) Task {
	options := []asynq.Option{
		asynq.TaskID(p.ID), asynq.Queue(tasks.Queue(p.App, p.Priority)), asynq.MaxRetry(tasks.MaxAttempts),
		asynq.Timeout(tasks.TaskTimeout), asynq.Retention(retention),
	}
	return Task{Task: asynq.NewTask(tasks.TypeName(p.Type), tasks.Encode(p)), Opts: options, At: at}
}

// WithHeaders returns the task with headers.
func (t Task) WithHeaders(headers map[string]string) Task {
	if len(headers) > 0 {
		t.Task = asynq.NewTaskWithHeaders(t.Task.Type(), t.Task.Payload(), headers)
	}
	return t
}
