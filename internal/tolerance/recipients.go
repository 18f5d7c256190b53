package tolerance

import (
	"strconv"
	"strings"
)

// Recipients are the recipients that a message names, well-formed or not.
type Recipients struct {
	// Everyone is set if touser is @all, in whatever case, and alone: among others it counts as a userid that nobody
	// has. Parties and tags are then ignored.
	Everyone             bool
	Users, Parties, Tags []string
}

// To reads the recipients of a body.
func To(body Object) Recipients {
	users := splitIDs(body.Str("touser"))
	if len(users) == 1 && strings.EqualFold(users[0], "@all") {
		return Recipients{Everyone: true}
	}
	return Recipients{Users: users, Parties: splitIDs(body.Str("toparty")), Tags: splitIDs(body.Str("totag"))}
}

// Nobody reports whether no recipient is named.
func (r Recipients) Nobody() bool {
	return !r.Everyone && len(r.Users)+len(r.Parties)+len(r.Tags) == 0
}

// splitIDs parses "a|b| c": white space and empty parts are ignored.
func splitIDs(list string) []string {
	var ids []string
	for id := range strings.SplitSeq(list, "|") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// IsUserID reports whether WeCom could have assigned the userid: 1 to 64 of 0-9 A-Z a-z _ - @ . and a letter or
// digit first (90195).
func IsUserID(user string) bool {
	return user != "" && len(user) <= 64 && isAlnum(user[0]) && consistsOf(user, "_-@.")
}

// IsGroupID reports whether a department or a tag could have the id.
func IsGroupID(id string) bool {
	_, err := strconv.ParseUint(id, 10, 63)
	return err == nil && len(id) <= 18
}

// consistsOf reports whether a text has only ASCII letters, digits and these others.
func consistsOf(text, others string) bool {
	for i := range len(text) {
		if !isAlnum(text[i]) && strings.IndexByte(others, text[i]) < 0 {
			return false
		}
	}
	return true
}

func isAlnum(b byte) bool {
	return '0' <= b && b <= '9' || 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z'
}
