package tasks

// Receipt says what was enqueued.
type Receipt struct {
	ID    string `json:"id"`
	App   string `json:"app"`
	Queue string `json:"queue"`
	// State is queued or scheduled; of a duplicate, where the first message stands.
	State State `json:"state"`
	// Duplicate is set when the id is that of an earlier message: of one with the same
	// idempotency key, or of one with the same bytes within the duplicate-check interval.
	Duplicate bool `json:"duplicate"`
	// Parts is the number of calls that the message needs, when it has more
	// recipients than WeCom takes in one.
	Parts int `json:"parts,omitempty"`
}

// Result is what became of one message of a batch: its receipt, or why it was not
// enqueued. Whoever enqueues says by which errors a queue that did not confirm can
// be told from a message at fault.
type Result struct {
	Receipt Receipt
	Err     error
}
