package message

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strconv"

	"github.com/wecomq/wecomq/wecom"
)

// ResponseCodeLife is how long a response_code is valid after its card was sent (94888).
const ResponseCodeLife = wecom.ResponseCodeLife

// UpdateTemplateCardRequest changes a card that was sent (94888). Set either
// [UpdateTemplateCardRequest.Button] or [UpdateTemplateCardRequest.TemplateCard].
type UpdateTemplateCardRequest struct {
	UserIDs  []string `json:"userids,omitempty"`  // at most [MaxUsers]
	PartyIDs []int    `json:"partyids,omitempty"` // at most [MaxParties]
	TagIDs   []int    `json:"tagids,omitempty"`   // at most [MaxTags]
	// AtAll is 1 for everyone who got the card.
	AtAll int `json:"atall,omitempty"`
	// AgentID is the application that sent the card.
	AgentID string `json:"agentid"`
	// ResponseCode comes from the [SendResponse] or from a callback. It works once, within 72 h.
	ResponseCode string `json:"response_code"`
	// Button greys the buttons of an interactive card and labels them.
	Button *CardReplaceButton `json:"button,omitempty"`
	// EnableIDTrans is 1 to replace $userName=ID$ and the like in TemplateCard.
	EnableIDTrans int `json:"enable_id_trans,omitempty"`
	// TemplateCard is the new card, of any type.
	TemplateCard *TemplateCardField `json:"template_card,omitempty"`
}

// CardReplaceButton is the label of greyed buttons.
type CardReplaceButton struct {
	ReplaceName string `json:"replace_name"`
}

// UpdateTemplateCardResponse is the answer to message/update_template_card.
type UpdateTemplateCardResponse struct {
	CommonError
	// InvalidUser lists the userids, in lower case, whose card was not changed.
	InvalidUser IDList `json:"invaliduser"`
}

// ParseCardUpdate reads update_template_card JSON, as strictly as [Parse] reads a message.
// It does not call Validate.
func ParseCardUpdate(data []byte) (UpdateTemplateCardRequest, error) {
	return parseCardUpdate(data, decoder{})
}

// ParseCardUpdateLenient is [ParseCardUpdate], but ignores unknown members.
func ParseCardUpdateLenient(data []byte) (UpdateTemplateCardRequest, error) {
	return parseCardUpdate(data, decoder{lenient: true})
}

func parseCardUpdate(data []byte, d decoder) (r UpdateTemplateCardRequest, err error) {
	if err := checkObject(data); err != nil {
		return r, fmt.Errorf("parse update of a card: %w", err)
	}
	d.items = MaxUsers + 1 // of userids; one more, so that Validate says what is wrong
	d.value(reflect.ValueOf(&r).Elem(), bytes.TrimSpace(data))
	return r, asError(d.found)
}

// Recipients are the recipients that the update names; none with AtAll.
func (r UpdateTemplateCardRequest) Recipients() Recipients {
	if r.AtAll == 1 {
		return Recipients{}
	}
	return Recipients{Users: r.UserIDs, Parties: texts(r.PartyIDs), Tags: texts(r.TagIDs)}
}

func texts(ids []int) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = strconv.Itoa(id)
	}
	return all
}

// Validate reports everything that WeCom would refuse, as a [*ValidationError].
func (r UpdateTemplateCardRequest) Validate() error {
	return r.validate(func(c checker) { c.required("response_code", r.ResponseCode) })
}

// ValidateContent is [UpdateTemplateCardRequest.Validate] without the response_code, for callers that do not
// know it yet.
func (r UpdateTemplateCardRequest) ValidateContent() error { return r.validate(func(checker) {}) }

func (r UpdateTemplateCardRequest) validate(more func(checker)) error {
	var found []FieldError
	c := checker{found: &found}
	c.atMost("userids", len(r.UserIDs), MaxUsers, "userids")
	c.all("userids", r.UserIDs, isUserID, notUserID)
	c.atMost("partyids", len(r.PartyIDs), MaxParties, "department ids")
	c.atMost("tagids", len(r.TagIDs), MaxTags, "tag ids")
	c.checkSwitch("atall", r.AtAll)
	c.checkAgentID(r.AgentID)
	more(c)
	c.checkSwitch("enable_id_trans", r.EnableIDTrans)
	switch {
	case (r.Button == nil) == (r.TemplateCard == nil):
		c.problem("button", "set either button or template_card")
	case r.Button != nil:
		c.at("button").required("replace_name", r.Button.ReplaceName)
	default:
		r.TemplateCard.check(c.at("template_card"))
	}
	c.checkUTF8(reflect.ValueOf(r))
	return asError(found)
}

// UpdateTemplateCard is [Client.UpdateTemplateCardContext] without a context.
func (c *Client) UpdateTemplateCard(request UpdateTemplateCardRequest) (*UpdateTemplateCardResponse, error) {
	return c.UpdateTemplateCardContext(context.Background(), request)
}

// UpdateTemplateCardContext validates the request and changes the card.
func (c *Client) UpdateTemplateCardContext(
	ctx context.Context, request UpdateTemplateCardRequest,
) (*UpdateTemplateCardResponse, error) {
	if err := request.Validate(); err != nil {
		return &UpdateTemplateCardResponse{CommonError: refusedHere(err)}, err
	}
	return call(ctx, c, APIUpdateTemplateCard, request, new(UpdateTemplateCardResponse))
}
