package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// cardButton is how many characters of a button WeCom recommends to show (90236).
const cardButton = 10

// cardRole is the effect of a delivery on the cards about its group, in the words of admit.lua. A notification
// with some alerts still firing is another card. One that leaves out alerts may leave out firing ones: it is not
// their end.
func (d delivery) cardRole() string {
	switch {
	case !d.updates:
		return ""
	case d.notification.Status == Firing:
		return "open"
	case d.truncated:
		return ""
	default:
		return "close"
	}
}

// changeable turns a card about firing alerts into one that WeCom can change: its links are buttons, and it has
// no emphasised figure. task is its task_id at WeCom. Other messages are returned unchanged.
func (d delivery) changeable(request message.Request, task string) message.Request {
	r, isCard := request.(message.SendTemplateCardRequest)
	if !isCard || d.cardRole() != "open" {
		return request
	}
	card := r.TemplateCard
	card.CardType, card.TaskID = message.CardButtonInteraction, task
	card.EmphasisContent, card.JumpList = nil, nil
	for _, jump := range r.TemplateCard.JumpList {
		card.ButtonList = append(card.ButtonList, message.CardButton{Type: message.ButtonURL, Text: shorten(jump.Title, cardButton), URL: jump.URL})
	}
	if len(card.ButtonList) == 0 {
		card.ButtonList = []message.CardButton{{Type: message.ButtonURL, Text: "查看详情", URL: card.CardAction.URL}}
	}
	if card.MainTitle.Title == "" { // this type requires a title
		title := *card.MainTitle
		title.Title = cmp.Or(shorten(oneLine(card.SubTitleText), cardTitle), task)
		card.MainTitle = &title
	}
	r.TemplateCard = card
	return r
}

// updateOf is the update that gives a card the content of a message, if that is a card.
func updateOf(request message.Request) (message.UpdateTemplateCardRequest, bool) {
	r, isCard := request.(message.SendTemplateCardRequest)
	return message.UpdateTemplateCardRequest{AtAll: 1, TemplateCard: &r.TemplateCard}, isCard
}

// over is the update of an older card. The card keeps its text, which may be about alerts that the last
// notification of the group does not have.
func over() message.UpdateTemplateCardRequest {
	return message.UpdateTemplateCardRequest{AtAll: 1, Button: &message.CardReplaceButton{ReplaceName: "已恢复"}}
}

// change is the result of changing cards.
type change int

const (
	pending   change = iota // in progress
	changed                 // the newest card says that the alerts have ended
	unchanged               // it does not: a message has to
)

// changeCards changes the cards of a waiting message; the newest decides whether the message is needed. It is
// safe to repeat: the updates have the message's idempotency key.
func (h *Handler) changeCards(ctx context.Context, app string, w *waiting) (change, error) {
	if len(w.cards) == 0 {
		return unchanged, nil
	}
	var state tasks.State // of the update of the newest card
	var err error
	for i, card := range w.cards {
		update := over()
		if i == len(w.cards)-1 {
			update = w.update
		}
		state, err = h.queue.ChangeCard(ctx, app, card, update, w.Options.IdempotencyKey)
		if err != nil && !errors.Is(err, ErrUnchangeable) {
			return pending, fmt.Errorf("change card %s: %w", card, err)
		}
	}
	log := h.log.With().Str("app", app).Str("message_id", w.after).Logger()
	switch {
	case err != nil, state.Final() && !state.Sent():
		log.Warn().Err(err).Str("state", string(state)).Msg("the card does not change; a message is sent instead")
		return unchanged, nil
	case !state.Final():
		return pending, nil
	}
	log.Info().Msg("the card says that its alerts are over")
	return changed, nil
}
