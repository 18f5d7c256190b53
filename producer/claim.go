package producer

import (
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// claim is the value of a key in Redis that makes repeats of a message find the
// first one, by its idempotency key or, when it has WeCom's duplicate check, by its
// bytes: it names the message, where it waits, its parts, and when it is due.
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
	parts    int   // 0 for a message that went in whole
	due      int64 // when it is to be sent, in ms since 1970; 0 in a claim of before there was this field
	waits    bool  // until then: the sender's clock may be ahead of the reader's
}

func (c claim) String() string {
	written := c.id + " " + string(c.priority) + " " + strconv.Itoa(c.parts) + " " + strconv.FormatInt(c.due, 10)
	if c.waits {
		written += " " + string(tasks.Scheduled)
	}
	return written
}

func (c claim) queue(app string) string { return tasks.Queue(app, c.priority) }

// within reports whether two messages are due less than a time apart, as they are
// taken to be where one does not say.
func (c claim) within(window time.Duration, other claim) bool {
	if c.due == 0 || other.due == 0 {
		return true
	}
	return max(c.due-other.due, other.due-c.due) < window.Milliseconds()
}

// state is that of the message as long as nobody has attempted it.
func (c claim) state(now time.Time) tasks.State {
	if c.waits && c.due > now.UnixMilli() {
		return tasks.Scheduled
	}
	return tasks.Queued
}

// parseClaim reads a claim that an older or newer version may have written: one that
// it cannot read claims nothing.
func parseClaim(app, s string) (claim, bool) {
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return claim{}, false
	}
	parts, err := strconv.Atoi(fields[2])
	c := claim{id: fields[0], priority: tasks.Priority(fields[1]), parts: parts}
	if len(fields) > 3 {
		due, _ := strconv.ParseInt(fields[3], 10, 64) // 0 for a field that is no number: when it is due is not known
		c.due = max(due, 0)
		c.waits = len(fields) > 4 && fields[4] == string(tasks.Scheduled)
	}
	owner, idErr := tasks.AppOf(c.id)
	return c, err == nil && parts >= 0 && idErr == nil && owner == app && c.priority.Validate() == nil
}
