package tasks

import (
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
)

// Priority selects the app's queue for a message. A worker takes from a lower priority only when the higher
// ones are empty.
type Priority string

// The priorities, highest first.
const (
	Critical Priority = "critical" // alerts
	Default  Priority = "default"
	Bulk     Priority = "bulk" // broadcasts
)

// Priorities lists the priorities, highest first.
func Priorities() []Priority { return []Priority{Critical, Default, Bulk} }

// Validate accepts the three priorities only.
func (p Priority) Validate() error {
	switch p {
	case Critical, Default, Bulk:
		return nil
	}
	return fmt.Errorf("priority: %q is not one of critical, default, bulk", string(p))
}

// HeadStart is how far before its share of the rate a message may be sent: 180, 120 and 60 ms. At the limit,
// the difference puts messages of higher priority before those of lower ones, on whatever hosts they wait.
func (p Priority) HeadStart() time.Duration {
	const step = 60 * time.Millisecond
	switch p {
	case Critical:
		return 3 * step
	case Default:
		return 2 * step
	case Bulk:
		return step
	}
	return step
}

// Queue is the asynq queue of an app's messages of one priority, e.g. "ops:critical".
func Queue(app string, p Priority) string { return app + ":" + string(p) }

// ParseQueue splits a queue's name into app and priority.
func ParseQueue(queue string) (app string, p Priority, err error) {
	app, name, found := strings.Cut(queue, ":")
	if p = Priority(name); !found || p.Validate() != nil {
		return "", "", fmt.Errorf("queue: %q is not <app>:<priority>", queue)
	}
	return app, p, ValidateApp(app)
}

const typePrefix = "message:"

// TypeName is the asynq task type of a msgtype, e.g. "message:text".
func TypeName(t message.Type) string { return typePrefix + string(t) }

// ParseTypeName returns the msgtype of an asynq task type.
func ParseTypeName(name string) (message.Type, error) {
	t, found := strings.CutPrefix(name, typePrefix)
	if !found {
		return "", fmt.Errorf("task type: %q does not begin with %s", name, typePrefix)
	}
	return message.Type(t), nil
}
