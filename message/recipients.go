package message

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// AllUsers is the touser for everyone within the application's visible range (90236).
const AllUsers = "@all"

// Recipients are the recipients that a message names.
type Recipients struct {
	Users   []string // userids, or only "@all"
	Parties []string // department ids
	Tags    []string // tag ids
}

// Recipients splits the '|'-joined lists. With "@all", WeCom ignores parties and
// tags, and so does this.
func (c *SendRequestCommon) Recipients() Recipients {
	r := Recipients{Users: splitIDs(c.ToUser)}
	if !r.All() {
		r.Parties, r.Tags = splitIDs(c.ToParty), splitIDs(c.ToTag)
	}
	return r
}

// All reports whether the message goes to everyone: "@all" in any case, on its own. Next to other userids it
// counts as an unknown userid.
func (r Recipients) All() bool { return len(r.Users) == 1 && strings.EqualFold(r.Users[0], AllUsers) }

// namesAll is [Recipients.All] for a list that has not been split.
func namesAll(toUser string) bool {
	alone := strings.TrimFunc(toUser, func(r rune) bool { return r == '|' || unicode.IsSpace(r) })
	return strings.EqualFold(alone, AllUsers)
}

// Count is the number of users, parties and tags named; "@all" counts as one.
func (r Recipients) Count() int { return len(r.Users) + len(r.Parties) + len(r.Tags) }

// Unique removes repeats and keeps the order. WeCom ignores the case of userids; the
// first spelling stays.
func (r Recipients) Unique() Recipients {
	return Recipients{Users: unique(r.Users, strings.ToLower), Parties: unique(r.Parties, same), Tags: unique(r.Tags, same)}
}

func same(id string) string { return id }

func unique(ids []string, key func(string) string) []string {
	if len(ids) < 2 {
		return append(make([]string, 0, len(ids)), ids...)
	}
	seen := make(map[string]bool, len(ids))
	kept := make([]string, 0, len(ids))
	for _, id := range ids {
		if k := key(id); !seen[k] {
			seen[k] = true
			kept = append(kept, id)
		}
	}
	return kept
}

// Addressees reads touser, toparty and totag from the body of a message, and nothing else. All are "" if
// there are none, or if body is not JSON.
func Addressees(body []byte) (users, parties, tags string) {
	if !json.Valid(body) {
		return "", "", ""
	}
	for m := range members(body) {
		value := body[m.value:m.valueEnd]
		switch string(body[m.name:m.nameEnd]) {
		case `"touser"`:
			users, _ = unquoted(value)
		case `"toparty"`:
			parties, _ = unquoted(value)
		case `"totag"`:
			tags, _ = unquoted(value)
		}
	}
	return users, parties, tags
}

// splitIDs splits a '|'-joined list, trims the ids and drops empty ones. It never returns nil, so that JSON
// shows [].
func splitIDs(joined string) []string {
	if joined == "" {
		return []string{}
	}
	ids := make([]string, 0, strings.Count(joined, "|")+1)
	for id := range strings.SplitSeq(joined, "|") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func joinIDs(ids []string) string { return strings.Join(ids, "|") }

// checkRecipients checks the ids, not their number.
func (c checker) checkRecipients(common *SendRequestCommon) {
	to := common.Recipients()
	switch {
	case to.Count() == 0:
		c.problem("touser", "nobody is named; set touser, toparty or totag")
	case slices.ContainsFunc(to.Users, func(id string) bool { return !to.All() && strings.EqualFold(id, AllUsers) }):
		c.problem("touser", `"@all" cannot be combined with other userids; send it alone`)
	case !to.All():
		c.all("touser", to.Users, isUserID, problemOfUserID(to.Users))
		c.all("toparty", to.Parties, isDigits, "is not a department id: digits only")
		c.all("totag", to.Tags, isDigits, "is not a tag id: digits only")
	}
}

// checkRecipientCounts checks the limits of one call.
func (c checker) checkRecipientCounts(common *SendRequestCommon) {
	to := common.Recipients()
	c.atMost("touser", len(to.Users), MaxUsers, "userids")
	c.atMost("toparty", len(to.Parties), MaxParties, "department ids")
	c.atMost("totag", len(to.Tags), MaxTags, "tag ids")
}

const notUserID = "is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; " +
	"a display name does not work"

// problemOfUserID suggests the right separator if the ids use a wrong one.
func problemOfUserID(ids []string) string {
	if slices.ContainsFunc(ids, func(id string) bool { return strings.ContainsAny(id, ",;，；、") }) {
		return notUserID + "; separate userids by |"
	}
	return notUserID
}

// CheckUserID reports what is wrong with the syntax of a userid; nil means that it is valid. Only WeCom knows
// whether the member exists.
func CheckUserID(id string) error {
	if !isUserID(id) {
		return fmt.Errorf("%s %s", quote(id), notUserID)
	}
	return nil
}

// isUserID checks the syntax of a userid (90195).
func isUserID(id string) bool {
	return id != "" && len(id) <= MaxUserIDBytes && isAlphanumeric(id[0]) && madeOf(id, "_-@.")
}

// madeOf reports whether s consists of ASCII letters, digits and the characters of extra.
func madeOf(s, extra string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isAlphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
