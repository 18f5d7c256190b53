package producer

import (
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// prepare checks a message and makes its tasks, one for each call to WeCom.
func (p *Producer) prepare(m Message, now time.Time) ([]asynqx.Task, Receipt, error) {
	if m.Request == nil {
		return nil, Receipt{}, errors.New("message: the request is nil")
	}
	if err := m.Options.Validate(); err != nil {
		return nil, Receipt{}, err
	}
	if err := m.Options.validateAt(now); err != nil {
		return nil, Receipt{}, err
	}
	if err := message.ValidateContent(m.Request); err != nil {
		return nil, Receipt{}, err
	}
	priority := m.Options.priority()
	receipt := Receipt{
		ID: p.id(m.Options), App: p.app, Queue: tasks.Queue(p.app, priority), State: tasks.Queued,
	}
	if m.Options.processAt(now).After(now) {
		receipt.State = tasks.Scheduled
	}
	recipients := Split(m.Request.Common().Recipients())
	if len(recipients) > 1 {
		receipt.Parts = len(recipients)
	}
	parts := make([]asynqx.Task, len(recipients))
	for i, to := range recipients {
		part, err := p.part(m, to, receipt, i+1, now)
		if err != nil {
			return nil, Receipt{}, err
		}
		parts[i] = part
	}
	return parts, receipt, nil
}

func (p *Producer) id(o Options) string {
	if o.IdempotencyKey != "" {
		return tasks.IDFromKey(p.app, o.IdempotencyKey)
	}
	return tasks.NewID(p.app)
}

// part makes the task of one call, with the bytes that WeCom will get.
func (p *Producer) part(m Message, to message.Recipients, r Receipt, n int, now time.Time) (asynqx.Task, error) {
	body, err := message.Encode(message.WithRecipients(m.Request, to))
	if err != nil {
		return asynqx.Task{}, fmt.Errorf("encode message: %w", err)
	}
	payload := tasks.Payload{
		ID: tasks.PartID(r.ID, n), App: p.app, Priority: m.Options.priority(), Type: m.Request.Type(), Body: body,
		EnqueuedAt: now, ExpiresAt: m.Options.expiresAt(now), Parts: r.Parts,
	}
	if r.Parts > 0 {
		payload.Part = n
	}
	options := []asynq.Option{
		asynq.TaskID(payload.ID), asynq.Queue(r.Queue), asynq.MaxRetry(tasks.MaxAttempts), asynq.Timeout(tasks.TaskTimeout),
		asynq.Retention(p.retention[payload.Priority]),
	}
	if r.State == tasks.Scheduled {
		options = append(options, asynq.ProcessAt(m.Options.processAt(now)))
	}
	return asynqx.Task{Task: asynq.NewTask(tasks.TypeName(payload.Type), tasks.Encode(payload)), Opts: options}, nil
}
