package message

import (
	"encoding/json"
	"slices"
)

// WithToUser is a copy of body with another top-level touser. Nothing else changes,
// not even members that this package does not know. A body without a touser is
// returned as it is.
func WithToUser(body []byte, users []string) []byte {
	from, to := member(body, "touser")
	if from == to {
		return body
	}
	value, _ := json.Marshal(joinIDs(users)) // a string always can be marshalled
	return slices.Concat(body[:from], value, body[to:])
}
