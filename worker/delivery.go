package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// nameLength gives a delivery's name 50 random bits.
const nameLength = 10

// delivery is one message while a handler works on it.
type delivery struct {
	name      string // unique per delivery
	payload   tasks.Payload
	request   message.Request                    // nil for an update
	update    *message.UpdateTemplateCardRequest // of a card; nil for a message
	task      *asynq.Task
	retried   int // attempts that counted so far
	allowed   int // attempts that may count in all
	began     time.Time
	admission tasks.Admission // its Number is 0 until an attempt is recorded
	took      time.Duration   // the call, from the request for admission on; 0 if there was none
	refs      []message.MediaRef
	mediaIDs  []string // of refs, unless an earlier attempt used others
}

// decode decodes the task. Its body was validated before it was enqueued, perhaps by a newer version, so
// unknown members are passed on.
func (l *lane) decode(ctx context.Context, task *asynq.Task) (*delivery, error) {
	payload, err := tasks.Decode(task.Type(), task.Payload())
	if err != nil {
		return nil, err
	}
	if payload.App != l.app.Name {
		return nil, fmt.Errorf("message %s is of app %s, but is in a queue of app %s", payload.ID, payload.App, l.app.Name)
	}
	payload.Body = message.FillAgentID(payload.Body, l.app.AgentID)
	d := &delivery{name: rand.Text()[:nameLength], payload: payload, task: task, began: time.Now()}
	if err := d.parse(); err != nil {
		return nil, fmt.Errorf("message %s: %w", payload.ID, err)
	}
	d.retried, _ = asynq.GetRetryCount(ctx)
	d.allowed, _ = asynq.GetMaxRetry(ctx)
	return d, nil
}

// parse reads the body.
func (d *delivery) parse() (err error) {
	if d.payload.Type == tasks.CardUpdateType {
		update, err := message.ParseCardUpdateLenient(d.payload.Body)
		d.update = &update
		return err
	}
	d.request, err = message.ParseRaw(d.payload.Body)
	return err
}

// common is the part that all messages share. An update has the agentid only.
func (d *delivery) common() *message.SendRequestCommon {
	if d.update != nil {
		return &message.SendRequestCommon{AgentID: d.update.AgentID}
	}
	return d.request.Common()
}

// unreadable leaves a task to a newer worker, or archives it when that would not help.
func (l *lane) unreadable(task *asynq.Task, err error) error {
	if errors.Is(err, tasks.ErrVersion) {
		return later(err, versionRetry)
	}
	l.log.Error().Err(err).Str("type", task.Type()).Msg("unreadable task")
	return deadLetter(err)
}

// agentMismatch rejects a message for another application: WeCom would answer 301002, and that suspends the
// whole app.
func (l *lane) agentMismatch(d *delivery) error {
	if got := d.common().AgentID; got != l.app.AgentID {
		return fmt.Errorf("agentid: %s, but app %s is agent %s; leave agentid out or send by the right app",
			got, l.app.Name, l.app.AgentID)
	}
	return nil
}
