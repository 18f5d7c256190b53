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

// WithoutGroups is a copy of body that goes to no department and no tag: its top-level
// toparty and totag are empty. Nothing else changes.
func WithoutGroups(body []byte) []byte {
	for _, name := range []string{"toparty", "totag"} {
		if from, to := member(body, name); from != to {
			body = slices.Concat(body[:from], []byte(`""`), body[to:])
		}
	}
	return body
}
