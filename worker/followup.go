package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// split removes the recipients who must wait from a message, and enqueues a follow-up for each of their
// turns. It is safe to repeat: the ids of follow-ups derive from the message's id, and its record has who
// waits.
func (l *lane) split(ctx context.Context, d *delivery, followUps []tasks.FollowUp) error {
	if len(followUps) == 0 {
		return nil
	}
	users := d.common().Recipients().Users
	queued, held := make([]asynqx.Task, len(followUps)), make([]asynqx.Held, len(followUps))
	for i, f := range followUps {
		var theirs []string
		theirs, users = partition(users, f.Users)
		queued[i] = l.followUp(d, f, theirs)
		held[i] = l.heldBy(d, f)
	}
	body := message.WithToUser(d.payload.Body, users)
	request, err := message.ParseRaw(body)
	if err != nil {
		return err
	}
	d.payload.Body, d.request = body, request
	defer func() { _ = asynqx.NoteHeld(ctx, l.cfg.Redis, held) }() // only what operators see depends on it
	for _, result := range asynqx.BulkEnqueue(ctx, l.cfg.Redis, l.clock.Latest(), queued) {
		if result.Err != nil && !errors.Is(result.Err, asynq.ErrTaskIDConflict) {
			// Nothing went to WeCom.
			return &wecom.UnsentError{Err: fmt.Errorf("enqueue a follow-up: %w", result.Err)}
		}
	}
	return nil
}

// followUp builds the task for the recipients who wait: the same bytes with other recipients. The message
// itself goes to the departments and tags.
func (l *lane) followUp(d *delivery, f tasks.FollowUp, users []string) asynqx.Task {
	payload := d.payload
	payload.ID = tasks.FollowUpID(d.payload.ID, f.Number)
	payload.Body = message.WithoutGroups(message.WithToUser(d.payload.Body, users))
	payload.Part, payload.Parts, payload.TurnAt = 0, 0, f.TurnAt
	var due time.Time // now
	if f.Wait > 0 {
		due = l.clock.Latest().Add(f.Wait + time.Second - time.Nanosecond) // asynq truncates to whole seconds
	}
	task := asynqx.NewTask(payload, l.app.retention(payload), due)
	task.Owed = true
	return task.WithHeaders(d.task.Headers())
}

// heldBy returns what a follow-up waits for.
func (l *lane) heldBy(d *delivery, f tasks.FollowUp) asynqx.Held {
	return asynqx.Held{
		TaskRef: asynqx.TaskRef{Queue: tasks.Queue(l.app.Name, d.payload.Priority), ID: tasks.FollowUpID(d.payload.ID, f.Number)},
		Limit:   f.Limit, Since: d.payload.EnqueuedAt,
	}
}

// partition splits users into those who are in some, ignoring case, and the rest.
func partition(users, some []string) (among, rest []string) {
	wanted := make(map[string]bool, len(some))
	for _, user := range some {
		wanted[strings.ToLower(user)] = true
	}
	for _, user := range users {
		if wanted[strings.ToLower(user)] {
			among = append(among, user)
		} else {
			rest = append(rest, user)
		}
	}
	return among, slices.Clip(rest)
}
