package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

var (
	// ErrNoCode is returned for a message that can no longer be changed, or never could.
	ErrNoCode = errors.New("it cannot be changed")
	// ErrNotSentYet is returned for a card that WeCom does not have yet.
	ErrNotSentYet = errors.New("a card cannot be changed before it is sent; try again later")
)

// IsGone reports whether a card can never be changed, so that only a new message can replace an update.
func IsGone(err error) bool {
	_, used := errors.AsType[*ledger.CodeUsedError](err)
	_, old := errors.AsType[*ledger.CodeExpiredError](err)
	return used || old || errors.Is(err, ErrNoCode) || errors.Is(err, lookup.ErrNotFound)
}

// UpdateCard enqueues the update of a template card that was sent, for all its recipients unless the update
// names some. It has the card's priority. The card must have a response_code, which works once and for 72 hours
// (94888): the update gets the code of each part of the message, so it has as many parts.
//
// Two updates with an equal key are the same one: the second is a duplicate, even if the first has failed. Two
// without a key but with equal content are the same, too, unless the first has failed and left the code unused.
// Of two different ones, one gets the code and the other a [*ledger.CodeUsedError]. The codes are claimed before
// the update is enqueued; if the process dies in between, the next repetition enqueues it.
func (o *Operator) UpdateCard(ctx context.Context, id string, u message.UpdateTemplateCardRequest, key string) (receipt tasks.Receipt, err error) {
	defer func() { activity.Record(ctx, activity.UpdateCard, o.App, id, err) }()
	if err := o.validateUpdate(u); err != nil {
		return tasks.Receipt{}, err
	}
	if u.AtAll == 0 && u.Recipients().Count() == 0 {
		u.AtAll = 1
	}
	digest, err := digestOf(id, u, key)
	if err != nil {
		return tasks.Receipt{}, err
	}
	claim := ledger.CardClaim{Digest: digest, Number: 1, Once: key != ""}
	const tries = 5 // each but the last has met another claim
	for range tries {
		if receipt, err = o.updateCard(ctx, id, u, claim); !errors.Is(err, ledger.ErrClaimedMeanwhile) {
			return receipt, err
		}
	}
	return tasks.Receipt{}, err
}

func (o *Operator) validateUpdate(u message.UpdateTemplateCardRequest) error {
	switch {
	case u.ResponseCode != "":
		return fault("response_code", "leave it out: that of the card is known")
	case u.AgentID != "" && o.AgentID != "" && u.AgentID != o.AgentID:
		return fault("agentid", fmt.Sprintf("%s, but app %s is agent %s; leave agentid out", u.AgentID, o.App, o.AgentID))
	}
	return u.ValidateContent()
}

func fault(field, problem string) error {
	return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: problem}}}
}

// digestOf identifies an update of a card.
func digestOf(id string, u message.UpdateTemplateCardRequest, key string) (string, error) {
	content := []byte(key)
	if key == "" {
		body, err := message.Encode(u)
		if err != nil {
			return "", err
		}
		content = body
	}
	sum := sha256.Sum256(append([]byte(id+"\x00"), content...))
	return hex.EncodeToString(sum[:16]), nil
}

func (o *Operator) updateCard(ctx context.Context, id string, u message.UpdateTemplateCardRequest, claim ledger.CardClaim) (tasks.Receipt, error) {
	records, err := o.parts(ctx, id)
	if err != nil {
		return tasks.Receipt{}, err
	}
	cards, err := changeable(id, records)
	if err != nil {
		return tasks.Receipt{}, err
	}
	updates, err := o.claimCodes(ctx, id, cards, claim)
	if err != nil {
		return tasks.Receipt{}, err
	}
	return o.enqueueUpdates(ctx, cards, updates, u)
}

// changeable are the parts of a card that WeCom has. All must have ended, because the update is one message.
func changeable(id string, records []tasks.Record) ([]tasks.Record, error) {
	var cards []tasks.Record
	why := ""
	for _, r := range records {
		switch {
		case r.Type != message.TypeTemplateCard:
			return nil, fmt.Errorf("%s is of type %s, and only a template_card changes: %w", id, r.Type, ErrNoCode)
		case !r.State.Final():
			return nil, fmt.Errorf("%s is %s: %w", r.ID, r.State, ErrNotSentYet)
		case !r.State.Sent():
			why = fmt.Sprintf("it is %s", r.State)
		case !r.RecalledAt.IsZero():
			why = "it was recalled"
		case r.ResponseCode == "":
			why = "WeCom gave no response_code: only cards with buttons, a vote, questions or an action_menu get one"
		default:
			cards = append(cards, r)
		}
	}
	if len(cards) == 0 {
		return nil, fmt.Errorf("%s: %s: %w", id, why, ErrNoCode)
	}
	return cards, nil
}

// claimGrace is how long after its claim an update that exists nowhere counts as lost: no enqueue takes that long.
const claimGrace = time.Minute

// claimCodes returns the ids of the update of each card.
func (o *Operator) claimCodes(ctx context.Context, id string, cards []tasks.Record, c ledger.CardClaim) ([]string, error) {
	for _, card := range cards {
		c.Parts, c.Number = append(c.Parts, card.ID), max(c.Number, card.Updates+1)
	}
	own := tasks.CardUpdateID(o.App, id, c.Number)
	for i := range cards {
		c.Updates = append(c.Updates, tasks.PartID(own, i+1))
	}
	found, err := o.Ledger.ClaimCard(ctx, c)
	if used, ok := errors.AsType[*ledger.CodeUsedError](err); ok && used.State == tasks.None {
		lost, lookErr := o.isLost(ctx, used)
		if lookErr != nil || !lost {
			return nil, errors.Join(lookErr, err)
		}
		c.Lost = used.Update
		found, err = o.Ledger.ClaimCard(ctx, c)
	}
	if err == nil && found == nil {
		found = c.Updates
	}
	return found, err
}

// isLost reports whether the process that claimed a code died before it enqueued the update.
func (o *Operator) isLost(ctx context.Context, used *ledger.CodeUsedError) (bool, error) {
	now, err := o.clock.Now(ctx)
	if err != nil || now.Sub(used.At) < claimGrace {
		return false, err
	}
	_, err = o.finder.Part(ctx, used.Update)
	if errors.Is(err, lookup.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// enqueueUpdates enqueues the updates that do not exist yet.
func (o *Operator) enqueueUpdates(
	ctx context.Context, cards []tasks.Record, ids []string, u message.UpdateTemplateCardRequest,
) (tasks.Receipt, error) {
	receipt := tasks.Receipt{ID: tasks.MessageID(ids[0]), App: o.App, Queue: tasks.Queue(o.App, cards[0].Priority), State: tasks.Queued, Duplicate: true}
	if len(ids) > 1 {
		receipt.Parts = len(ids)
	}
	now, err := o.clock.Now(ctx)
	if err != nil {
		return tasks.Receipt{}, err
	}
	for i, card := range cards {
		u.ResponseCode = card.ResponseCode
		body, err := message.Encode(u)
		if err != nil {
			return tasks.Receipt{}, err
		}
		p := tasks.Payload{
			ID: ids[i], App: o.App, Priority: card.Priority, Type: tasks.CardUpdateType, Body: body, UpdateOf: card.ID,
			EnqueuedAt: now, ExpiresAt: card.FinishedAt.Add(message.ResponseCodeLife), Parts: receipt.Parts,
			Actor: activity.Name(ctx),
		}
		if p.Parts > 0 {
			p.Part = i + 1
		}
		before, err := o.enqueue(ctx, p)
		if err != nil {
			return tasks.Receipt{}, err
		}
		receipt.Duplicate = receipt.Duplicate && before
	}
	return o.whereItStands(ctx, receipt)
}

// whereItStands completes the receipt of a duplicate.
func (o *Operator) whereItStands(ctx context.Context, receipt tasks.Receipt) (tasks.Receipt, error) {
	if !receipt.Duplicate {
		return receipt, nil
	}
	record, err := o.finder.Message(ctx, receipt.ID)
	receipt.State = record.State
	return receipt, err
}
