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

// notification is one request to a receiver, identical in each attempt.
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
	App      string            `json:"app"`
	Messages []json.RawMessage `json:"messages"` // records, in the order in which they ended
}

// batch has the outcomes of one notification.
type batch struct {
	records []json.RawMessage
	size    int       // of all records, in bytes
	last    time.Time // when the last of them ended
}

func (b *batch) add(r tasks.Record) error {
	record, err := r.JSON()
	if err != nil {
		return err
	}
	b.records, b.size, b.last = append(b.records, record), b.size+len(record), r.FinishedAt
	return nil
}

func newNotification(app string, b batch) (notification, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(event{Type: EventType, Timestamp: b.last, Data: eventData{App: app, Messages: b.records}}); err != nil {
		return notification{}, fmt.Errorf("encode a notification: %w", err)
	}
	return notification{
		id:       "msg_" + ulid.Make().String(),
		outcomes: len(b.records),
		body:     bytes.TrimSuffix(body.Bytes(), []byte("\n")),
	}, nil
}
