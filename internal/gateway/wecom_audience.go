package gateway

import (
	"regexp"
	"strings"

	"github.com/wecomq/wecomq/message"
)

var (
	userID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_@.-]{0,63}$`) // 90195
	number = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// sortOut removes recipients that cannot exist, such as a display name, and lists
// them in the reply. The others get the message, as at WeCom. known is false if
// recipients are named and none of them is left.
func (r *sendReply) sortOut(request message.Request) (kept message.Request, known bool) {
	to := request.Common().Recipients()
	if to.All() {
		to.Users = []string{message.AllUsers} // overrides all others (90236)
		return message.WithRecipients(request, to), true
	}
	named := to.Count()
	var users, parties, tags []string
	to.Users, users = sift(to.Users, userID)
	to.Parties, parties = sift(to.Parties, number)
	to.Tags, tags = sift(to.Tags, number)
	r.InvalidUser = strings.ToLower(strings.Join(users, "|"))
	r.InvalidParty, r.InvalidTag = strings.Join(parties, "|"), strings.Join(tags, "|")
	return message.WithRecipients(request, to), named == 0 || to.Count() > 0
}

// sift separates ids of the right form from the others.
func sift(ids []string, form *regexp.Regexp) (good, bad []string) {
	for _, id := range ids {
		if form.MatchString(id) {
			good = append(good, id)
		} else {
			bad = append(bad, id)
		}
	}
	return good, bad
}
