package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// changeCard posts the update of a card. WeCom lists the members whose card was not changed in another form
// than in the answer to a message; for an update to everyone, the record names none of them.
func (l *lane) changeCard(ctx context.Context, d *delivery) (*message.SendResponse, error) {
	answer := new(message.UpdateTemplateCardResponse)
	err := l.app.Sender.Post(ctx, message.APIUpdateTemplateCard, d.payload.Body, answer)
	reply := &message.SendResponse{CommonError: answer.CommonError}
	switch unchanged := answer.InvalidUser; {
	case d.update.AtAll != 1:
		reply.InvalidUser = strings.Join(unchanged, "|")
	case len(unchanged) > 0:
		reply.ErrMsg = fmt.Sprintf("%s; warning: the card was not changed for %s", reply.ErrMsg, strings.Join(unchanged, ", "))
	}
	return reply, err
}

// tookBefore reports whether WeCom accepted an update in an earlier attempt whose answer was lost: nobody
// else has the code, and the update expires before the code does.
func (d *delivery) tookBefore(err error) bool {
	return d.update != nil && d.admission.InDoubt > 0 && errors.Is(err, wecom.CodeResponseCodeUsed)
}

// taken is the settlement of an update that WeCom accepted earlier.
func (d *delivery) taken() tasks.Settlement {
	return tasks.Settlement{
		State: tasks.Accepted, Recipients: tasks.Recipients{Accepted: d.recipients().Count()},
		ErrMsg: "WeCom says that the response_code was used: by an earlier attempt of this update, whose answer was lost",
	}
}

// recipients are the recipients that the record names.
func (d *delivery) recipients() message.Recipients {
	if d.update != nil {
		return d.update.Recipients()
	}
	return d.common().Recipients()
}
