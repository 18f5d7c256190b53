package gateway

import "github.com/wecomq/wecomq/tasks"

// Receipt is the response to an enqueued message: the stable part of [tasks.Receipt].
type Receipt struct {
	ID        string      `json:"id" doc:"The message's id; all other operations take it" example:"ops-01JD5K3V8N0000000000000000"`
	State     tasks.State `json:"state" doc:"Its state; queued or scheduled for a new message"`
	Duplicate bool        `json:"duplicate" doc:"The id is that of an earlier message with the same idempotency key"`
}

func receiptOf(r tasks.Receipt) Receipt {
	return Receipt{ID: r.ID, State: r.State, Duplicate: r.Duplicate}
}
