package producer

import (
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// claim is the value of a Redis key by which repeats of a message find the first one: by its idempotency key
// or, with WeCom's duplicate check, by its bytes. It has the message's id, its queue, its parts, and when it
// is due.
//
// A claim alone proves nothing: the process that set it may have died before it enqueued the message, and
// then the repeat must not be dropped. So the repeat takes the first message's place: unless the first has a
// record, the repeat is enqueued under the first one's id, into the first one's queue. If the first is there,
// asynq reports a conflict and the repeat is a duplicate; if not, the repeat becomes the message. For a
// message in parts this applies to each part. Any step may fail or run twice, and there is still exactly one
// message.
type claim struct {
	id       string
	priority tasks.Priority
	parts    int   // 0 for a message that was not split
	due      int64 // when it is to be sent, in Unix ms; 0 if unknown, as in claims of older versions
	waits    bool  // it was scheduled; due alone is not enough, as clocks differ
	// digest identifies content and recipients; "" if they do not matter, as without a key, or are unknown,
	// as in claims of older versions.
	digest string
}

func (c claim) String() string {
	written := c.id + " " + string(c.priority) + " " + strconv.Itoa(c.parts) + " " + strconv.FormatInt(c.due, 10)
	switch {
	case c.waits:
		written += " " + string(tasks.Scheduled)
	case c.digest != "":
		written += " " + string(tasks.Queued)
	}
	if c.digest != "" {
		written += " " + c.digest
	}
	return written
}

// contradicts reports whether two messages are known to differ.
func (c claim) contradicts(other claim) bool {
	return c.digest != "" && other.digest != "" && c.digest != other.digest
}

func (c claim) queue(app string) string { return tasks.Queue(app, c.priority) }

// within reports whether two messages are due less than window apart. An unknown due time counts as within.
func (c claim) within(window time.Duration, other claim) bool {
	if c.due == 0 || other.due == 0 {
		return true
	}
	return max(c.due-other.due, other.due-c.due) < window.Milliseconds()
}

// state is the state of the message until its first attempt.
func (c claim) state(now time.Time) tasks.State {
	if c.waits && c.due > now.UnixMilli() {
		return tasks.Scheduled
	}
	return tasks.Queued
}

// parseClaim reads a claim, possibly written by an older or newer version. It reports false for an unreadable
// one, which is then ignored.
func parseClaim(app, s string) (claim, bool) {
	fields := strings.Fields(s)
	if len(fields) < 3 {
		return claim{}, false
	}
	parts, err := strconv.Atoi(fields[2])
	c := claim{id: fields[0], priority: tasks.Priority(fields[1]), parts: parts}
	if len(fields) > 3 {
		due, _ := strconv.ParseInt(fields[3], 10, 64) // not a number: 0, unknown
		c.due = max(due, 0)
		c.waits = len(fields) > 4 && fields[4] == string(tasks.Scheduled)
	}
	if len(fields) > 5 {
		c.digest = fields[5]
	}
	owner, idErr := tasks.AppOf(c.id)
	return c, err == nil && parts >= 0 && idErr == nil && owner == app && c.priority.Validate() == nil
}
