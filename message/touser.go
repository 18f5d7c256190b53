package message

import (
	"encoding/json"
	"slices"
)

// WithToUser returns a copy of body with another top-level touser. Nothing else changes, not even unknown
// members. A body without a touser is returned unchanged.
func WithToUser(body []byte, users []string) []byte {
	from, to := member(body, "touser")
	if from == to {
		return body
	}
	value, _ := json.Marshal(joinIDs(users)) // a string can always be marshalled
	return slices.Concat(body[:from], value, body[to:])
}

// WithoutGroups returns a copy of body with empty top-level toparty and totag. Nothing else changes.
func WithoutGroups(body []byte) []byte {
	for _, name := range []string{"toparty", "totag"} {
		if from, to := member(body, name); from != to {
			body = slices.Concat(body[:from], []byte(`""`), body[to:])
		}
	}
	return body
}
