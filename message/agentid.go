package message

import (
	"encoding/json"
	"slices"
)

// FillAgentID writes the application's number into a body that was encoded without one: it replaces a
// top-level "agentid":"" and nothing else. A body that has another agentid, or no such member, is returned
// unchanged. The input is not modified. An agentID that is not a number becomes a JSON string.
func FillAgentID(body []byte, agentID string) []byte {
	from, to := member(body, "agentid")
	if agentID == "" || string(body[from:to]) != `""` {
		return body
	}
	return slices.Concat(body[:from], agentIDValue(agentID), body[to:])
}

// addAgentID adds an agentid to a body that has none, or an empty one.
func addAgentID(body []byte, agentID string) []byte {
	if from, to := member(body, "agentid"); agentID == "" || from != to {
		return FillAgentID(body, agentID)
	}
	added := slices.Concat([]byte(`{"agentid":`), agentIDValue(agentID))
	if from := skip(body, 1); body[from] != '}' {
		added = append(added, ',')
	}
	return append(added, body[1:]...)
}

// numberAgentID turns a top-level "agentid":"123" into "agentid":123, in place.
// WeCom documents an integer (90236).
func numberAgentID(body []byte) []byte {
	from, to := member(body, "agentid")
	if to-from < 3 || body[from] != '"' || !isNumber(string(body[from+1:to-1])) {
		return body
	}
	body = slices.Delete(body, to-1, to)
	return slices.Delete(body, from, from+1)
}

func agentIDValue(agentID string) []byte {
	if isNumber(agentID) {
		return []byte(agentID)
	}
	quoted, _ := json.Marshal(agentID) // a string can always be marshalled
	return quoted
}

// isNumber reports whether s is a JSON number that every reader can hold: digits only, no leading zero, less
// than 10^18.
func isNumber(s string) bool {
	return isDigits(s) && len(s) <= 18 && (s == "0" || s[0] != '0')
}
