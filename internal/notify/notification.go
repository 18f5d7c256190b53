package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/wecomq/wecomq/tasks"
)

// EventType is the type of all notifications.
const EventType = "messages.ended"

// notification is one request to a receiver, and the same in each attempt.
type notification struct {
	id       string
	outcomes int
	body     []byte
}

// event is the JSON of a notification, in the form of Standard Webhooks.
type event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the last outcome
	Data      eventData `json:"data"`
}

type eventData struct {
	App      string         `json:"app"`
	Messages []tasks.Record `json:"messages"` // in the order in which they ended
}

// sizeOf is how large a record is in a notification, in bytes.
func sizeOf(record tasks.Record) int {
	text, _ := json.Marshal(record) //nolint:errchkjson // of no consequence: it fails again with the notification
	return len(text)
}

func newNotification(app string, ended []tasks.Record) (notification, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	last := ended[len(ended)-1].FinishedAt
	if err := enc.Encode(event{Type: EventType, Timestamp: last, Data: eventData{App: app, Messages: ended}}); err != nil {
		return notification{}, fmt.Errorf("encode a notification: %w", err)
	}
	return notification{id: "msg_" + ulid.Make().String(), outcomes: len(ended), body: bytes.TrimSuffix(body.Bytes(), []byte("\n"))}, nil
}
