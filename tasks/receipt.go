package tasks

// Receipt says what was enqueued.
type Receipt struct {
	ID    string `json:"id"`
	App   string `json:"app"`
	Queue string `json:"queue"`
	// State is queued or scheduled; for a duplicate, the state of the first message.
	State State `json:"state"`
	// Duplicate is set if the id is that of an earlier message: with the same idempotency key, or with the
	// same bytes within the duplicate-check interval.
	Duplicate bool `json:"duplicate"`
	// Parts is the number of calls that the message needs, if it has more recipients than WeCom takes in one.
	Parts int `json:"parts,omitempty"`
}

// Result is the result of one message of a batch: its receipt, or why it was not enqueued. The producer
// documents which errors mean that the queue did not confirm, and which that the message is invalid.
type Result struct {
	Receipt Receipt
	Err     error
}
