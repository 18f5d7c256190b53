package tasks

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/wecomq/wecomq/message"
)

// BroadcastType is the type of the task that enqueues the calls of a broadcast, a few at a time. Its id is
// the broadcast's; its payload has no content.
const BroadcastType message.Type = "broadcast"

// BroadcastTask is the payload of that task.
func BroadcastTask(app, id string, now time.Time) Payload {
	return Payload{ID: id, App: app, Priority: Bulk, Type: BroadcastType, Body: []byte("{}"), EnqueuedAt: now}
}

// CallsPerBlock bounds the calls, and the recipients, of a block.
const CallsPerBlock = 1000

// broadcastMark begins the second part of a broadcast's id. In a message id that part is a 128-bit number in
// base 32, which begins with 0 to 7.
const broadcastMark = 'B'

// BroadcastIDFromKey derives the id of a broadcast from its idempotency key, or from a digest of its content:
// the same key gives the same id on every host.
func BroadcastIDFromKey(app, key string) string {
	id := []byte(IDFromKey(app, "broadcast\x00"+key))
	id[len(id)-ulid.EncodedSize] = broadcastMark
	return string(id)
}

// IsBroadcast reports whether id is that of a broadcast, or of one of its calls.
func IsBroadcast(id string) bool {
	whole := MessageID(id)
	at := len(whole) - ulid.EncodedSize
	return at > 0 && whole[at] == broadcastMark
}

var followUpPattern = regexp.MustCompile(`^[1-9][0-9]*(\.[1-9][0-9]*)*$`)

// BroadcastCall identifies a message that is a call of a broadcast, or a follow-up of one.
type BroadcastCall struct {
	Broadcast   string // id of the broadcast
	Block, Call int    // counted from 0
	// FollowUp is the number of the follow-up, from 1; a follow-up of a follow-up adds its number after a
	// dot, and so on. "" for the call itself.
	FollowUp string
}

// ID is the id of the message: <broadcast>.<block>.<call>, plus a dot and the number for a follow-up.
func (c BroadcastCall) ID() string {
	id := c.Broadcast + "." + strconv.Itoa(c.Block) + "." + strconv.Itoa(c.Call)
	if c.FollowUp != "" {
		id += "." + c.FollowUp
	}
	return id
}

// Bit is the number of the call in the bitmap of a broadcast's finished calls.
func (c BroadcastCall) Bit() int { return c.Block*CallsPerBlock + c.Call }

// ParseBroadcastCall reads the id of a call; ok is false for any other id.
func ParseBroadcastCall(id string) (call BroadcastCall, ok bool) {
	if !IsBroadcast(id) {
		return BroadcastCall{}, false
	}
	names := strings.SplitN(id, ".", 4)
	if len(names) < 3 {
		return BroadcastCall{}, false
	}
	call.Broadcast = names[0]
	for i, number := range []*int{&call.Block, &call.Call} {
		n, err := strconv.Atoi(names[i+1])
		if err != nil || n < 0 {
			return BroadcastCall{}, false
		}
		*number = n
	}
	if len(names) == 4 {
		call.FollowUp = names[3]
	}
	return call, call.Call < CallsPerBlock && (len(names) == 3 || followUpPattern.MatchString(call.FollowUp))
}

// ValidateBroadcastID checks that id is the id of a broadcast, and returns its app.
func ValidateBroadcastID(id string) (app string, err error) {
	app, err = AppOf(id)
	if err == nil && (!IsBroadcast(id) || strings.Contains(id, ".")) {
		err = fmt.Errorf("id: %q is not the id of a broadcast", id)
	}
	return app, err
}
