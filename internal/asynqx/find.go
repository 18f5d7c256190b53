package asynqx

import (
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/tasks"
)

// FindTask looks up a task in the queues of its app. If none has it, the error is asynq.ErrTaskNotFound.
func FindTask(inspector *asynq.Inspector, app, id string) (*asynq.TaskInfo, error) {
	for _, priority := range tasks.Priorities() {
		queue := tasks.Queue(app, priority)
		info, err := inspector.GetTaskInfo(queue, id)
		if IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("inspect queue %s: %w", queue, err)
		}
		return info, nil
	}
	return nil, asynq.ErrTaskNotFound
}

// IsNotFound reports whether the task or its queue does not exist: a queue exists once it has had a task.
func IsNotFound(err error) bool {
	return errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound)
}
