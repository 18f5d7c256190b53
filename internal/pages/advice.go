package pages

import (
	"strings"

	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// advice says how to handle a message.
type advice struct {
	Text string // in the language of the page
	Hint string // of the errcode, also in the language of the page
}

func adviceFor(l language, r tasks.Record) advice {
	a := advice{Text: l.say("advice: " + string(r.State))}
	switch {
	case r.ReplayedAs != "":
		a.Text = l.say("It was replayed. The new message shows the outcome.")
	case r.Type == tasks.CardUpdateType && r.State == tasks.Accepted:
		a.Text = l.say("The card has changed. Nothing to do.")
	case r.Type == tasks.CardUpdateType && r.State.Final():
		a.Text = l.say("It changes a card. If the card has not changed, update it again; if its code is used or too old, send a new card.")
		a.Hint = wecom.Code(r.ErrCode).HintIn(wecom.Language(l))
	case !r.RecalledAt.IsZero():
		a.Text = l.say("It was recalled. Nobody can see it now.")
	case r.ErrCode != 0:
		code := wecom.Code(r.ErrCode)
		if !strings.Contains(r.ErrMsg, code.Hint()) { // ErrMsg is shown above
			a.Hint = code.HintIn(wecom.Language(l))
		}
	}
	return a
}
