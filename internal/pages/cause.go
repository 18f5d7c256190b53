package pages

import (
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
)

// cause says why messages are not sent, how many, and since or until when.
func (l language) cause(c apps.Cause) string {
	what := l.say("stuck: " + c.By)
	text := fmt.Sprintf(l.say("%s: %d messages wait"), what, c.Messages)
	if !c.Until.IsZero() {
		text += fmt.Sprintf(l.say(", until %s"), l.soon(c.Until, time.Now()))
	}
	if !c.LastCall.IsZero() {
		text += fmt.Sprintf(l.say(", since its last call %s"), l.ago(c.LastCall))
	}
	return text
}
