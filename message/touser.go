package message

import (
	"encoding/json"
	"slices"
)

// WithToUser is a body for others: its top-level touser is replaced, and nothing
// else changes, not even what this package does not know. A body without a touser
// comes back as it is. The body itself is not changed.
func WithToUser(body []byte, users []string) []byte {
	from, to := member(body, "touser")
	if from == to {
		return body
	}
	value, _ := json.Marshal(joinIDs(users)) // a string always can be marshalled
	return slices.Concat(body[:from], value, body[to:])
}
