package tasks

import (
	"strconv"

	"github.com/wecomq/wecomq/message"
)

// CardUpdateType is the type of the task that changes a template card; it is not a msgtype. Its body is that
// of message/update_template_card (94888).
const CardUpdateType message.Type = "update_template_card"

// CardUpdateID derives the id of the n-th update of a card, or of one part of it, from the card's id, so that
// a repeated update finds the first one.
func CardUpdateID(app, card string, n int) string {
	return IDFromKey(app, "card\x00"+card+"\x00"+strconv.Itoa(n))
}
