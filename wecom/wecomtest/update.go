package wecomtest

import (
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/wecom"
)

// updateReply omits invaliduser if there is none, as message/send does. WeCom's behaviour is unknown; some
// clients expect a string here and could not read an empty array.
type updateReply struct {
	status
	InvalidUser []string `json:"invaliduser,omitempty"` // an array here, a string in message/send
}

// updateCard serves message/update_template_card (page 94888). A refused call
// leaves the response code unused.
func (s *Simulator) updateCard(c *call) (reply, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	card, err := s.checkUpdate(c, body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.arrivals.byResponse[body.Str("response_code")]
	switch {
	case !ok || m.Updated || s.now().Sub(m.At) > wecom.ResponseCodeLife:
		return nil, wecom.Code(60140)
	case m.CorpID != c.app.corpID || m.AgentID != c.app.agentID:
		return nil, wecom.Code(42015)
	case !body.Has("template_card") && !m.interactive:
		return nil, refuse(40058, "button only updates button_interaction, vote_interaction and multiple_interaction")
	}
	invalid, err := m.strangers(body)
	if err != nil {
		return &updateReply{InvalidUser: invalid}, err
	}
	m.change(card, c.raw)
	return &updateReply{InvalidUser: invalid}, nil
}

// checkUpdate checks everything that does not depend on the message.
func (s *Simulator) checkUpdate(c *call, body tolerance.Object) (*tolerance.Content, error) {
	if err := c.checkAgent(body); err != nil {
		return nil, err
	}
	if err := checkTargets(body); err != nil {
		return nil, err
	}
	return s.checkReplacement(c, body)
}

// checkTargets requires a target of the update.
func checkTargets(body tolerance.Object) error {
	users, parties, tags := len(body.Strs("userids")), len(body.Strs("partyids")), len(body.Strs("tagids"))
	switch {
	case users > maxUsers:
		return wecom.Code(40032)
	case parties > maxParties:
		return wecom.Code(82002)
	case tags > maxTags:
		return wecom.Code(82003)
	case users+parties+tags == 0 && body.Flag("atall") != 1:
		return wecom.Code(82101)
	}
	return nil
}

// change sets the message to what users see after an update. A button's new name changes neither title nor
// text, and card is nil.
func (m *Message) change(card *tolerance.Content, body []byte) {
	m.Updated, m.UpdateBody = true, string(body)
	if card != nil {
		m.Title, m.Text = card.Title, card.Text
	}
}

// checkReplacement requires either a button's new name or a whole new card, which it
// returns.
func (s *Simulator) checkReplacement(c *call, body tolerance.Object) (*tolerance.Content, error) {
	if !body.Has("template_card") {
		if body.Obj("button").Str("replace_name") == "" {
			return nil, refuse(40058, "button.replace_name and template_card both missing")
		}
		return nil, nil //nolint:nilnil // a button's new name needs no card
	}
	return s.judge(c).Card(body.Obj("template_card"))
}

// strangers returns the userids of an update that did not get the message. If that is all of them, the error
// is 82102. Members of parties and tags are not looked up.
func (m *Message) strangers(body tolerance.Object) ([]string, error) {
	if m.ToAll || len(m.Parties)+len(m.Tags) > 0 || body.Flag("atall") == 1 {
		return nil, nil
	}
	var invalid []string
	users := body.Strs("userids")
	for _, user := range users {
		if user = strings.ToLower(user); !slices.Contains(m.To, user) {
			invalid = append(invalid, user)
		}
	}
	if len(invalid) == len(users) && len(body.Strs("partyids"))+len(body.Strs("tagids")) == 0 {
		return invalid, wecom.Code(82102)
	}
	return invalid, nil
}
