package producer

import (
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/tasks"
)

// claim is the value of a key in Redis that makes repeats of a message find the
// first one, by its idempotency key or, when it has WeCom's duplicate check, by its
// bytes: it names the message, where it waits, and its parts.
//
// A claim alone proves nothing: whoever set it may have died before the message was
// in the queue, and must not swallow the repeat. So the repeat takes the first
// message's place: unless that has a record, the repeat is enqueued under the first
// one's id, into the first one's queue. If the first is there, asynq says so, and the
// repeat is a duplicate; if it is not, the repeat is the message. Of a message in
// parts that holds for each. Every step may fail or come twice, and one message comes
// of it.
type claim struct {
	id       string
	priority tasks.Priority
	parts    int // 0 for a message that went in whole
}

func (c claim) String() string {
	return c.id + " " + string(c.priority) + " " + strconv.Itoa(c.parts)
}

func (c claim) queue(app string) string { return tasks.Queue(app, c.priority) }

// parseClaim reads a claim that a newer version may have written: one that it cannot
// read claims nothing.
func parseClaim(app, s string) (claim, bool) {
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return claim{}, false
	}
	parts, err := strconv.Atoi(fields[2])
	c := claim{id: fields[0], priority: tasks.Priority(fields[1]), parts: parts}
	owner, idErr := tasks.AppOf(c.id)
	return c, err == nil && parts >= 0 && idErr == nil && owner == app && c.priority.Validate() == nil
}
