package gateway

import (
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// sortOut separates recipients that cannot exist, such as a display name, and lists them in the reply. The
// others get the message, as at WeCom.
func (r *sendReply) sortOut(named tolerance.Recipients) (to message.Recipients, err error) {
	switch {
	case named.Everyone:
		return message.Recipients{Users: []string{message.AllUsers}}, nil
	case named.Nobody():
		return to, refuse(82001, "touser: nobody is named; set touser, toparty or totag")
	}
	var users, parties, tags []string
	to.Users, users = sift(named.Users, tolerance.IsUserID)
	to.Parties, parties = sift(named.Parties, tolerance.IsGroupID)
	to.Tags, tags = sift(named.Tags, tolerance.IsGroupID)
	r.InvalidUser = strings.ToLower(strings.Join(users, "|"))
	r.InvalidParty, r.InvalidTag = strings.Join(parties, "|"), strings.Join(tags, "|")
	if to.Count() == 0 {
		return to, refuse(wecom.CodeAllInvalid, "user & party & tag all invalid")
	}
	return to, nil
}

// sift separates well-formed ids from the others.
func sift(ids []string, wellFormed func(string) bool) (good, bad []string) {
	for _, id := range ids {
		if wellFormed(id) {
			good = append(good, id)
		} else {
			bad = append(bad, id)
		}
	}
	return good, bad
}
