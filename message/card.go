package message

// CardType is the kind of a template card (90236).
type CardType string

// The kinds of template cards. The last three call back: the application needs a callback URL, and each card
// a TaskID.
const (
	CardTextNotice          CardType = "text_notice"
	CardNewsNotice          CardType = "news_notice"
	CardButtonInteraction   CardType = "button_interaction"
	CardVoteInteraction     CardType = "vote_interaction"
	CardMultipleInteraction CardType = "multiple_interaction"
)

// SendTemplateCardRequest is a card of structured blocks (90236).
type SendTemplateCardRequest struct {
	*SendRequestCommon
	TemplateCard TemplateCardField `json:"template_card"`
}

// TemplateCardField is a card of any type. Each type shows some of the blocks
// and requires some; WeCom ignores the others.
type TemplateCardField struct {
	CardType CardType `json:"card_type"`
	// Source says where the card comes from.
	Source *CardSource `json:"source,omitempty"`
	// ActionMenu is a menu at the top right of text_notice, news_notice and
	// button_interaction. It requires TaskID.
	ActionMenu *CardActionMenu `json:"action_menu,omitempty"`
	// TaskID identifies the card in callbacks: unique in the application, 1 to [MaxTaskIDBytes] of 0-9 A-Z
	// a-z _ - @.
	TaskID string `json:"task_id,omitempty"`
	// MainTitle is required, except in a text_notice with a SubTitleText.
	MainTitle *CardMainTitle `json:"main_title,omitempty"`
	// QuoteArea is a quotation. vote_interaction and multiple_interaction do not show it.
	QuoteArea *CardQuoteArea `json:"quote_area,omitempty"`
	// EmphasisContent is the big figure of text_notice.
	EmphasisContent *CardEmphasis `json:"emphasis_content,omitempty"`
	// SubTitleText is the text of text_notice and button_interaction; WeCom
	// suggests at most 160 characters.
	SubTitleText string `json:"sub_title_text,omitempty"`
	// CardImage is the picture of news_notice, which requires it or ImageTextArea.
	CardImage *CardImage `json:"card_image,omitempty"`
	// ImageTextArea has a picture on its left.
	ImageTextArea *CardImageText `json:"image_text_area,omitempty"`
	// VerticalContentList holds at most [MaxVerticalContents] texts of news_notice.
	VerticalContentList []CardVerticalContent `json:"vertical_content_list,omitempty"`
	// HorizontalContentList holds at most [MaxHorizontalContents] key-value lines.
	HorizontalContentList []CardHorizontalContent `json:"horizontal_content_list,omitempty"`
	// JumpList holds at most [MaxJumps] links of text_notice and news_notice.
	JumpList []CardJump `json:"jump_list,omitempty"`
	// CardAction is the target of a click on the card; text_notice and news_notice require it.
	CardAction *CardAction `json:"card_action,omitempty"`
	// ButtonSelection is the selector of button_interaction.
	ButtonSelection *CardSelect `json:"button_selection,omitempty"`
	// ButtonList holds 1 to [MaxButtons] buttons of button_interaction.
	ButtonList []CardButton `json:"button_list,omitempty"`
	// Checkbox is the question of vote_interaction.
	Checkbox *CardCheckbox `json:"checkbox,omitempty"`
	// SelectList holds 1 to [MaxSelects] selectors of multiple_interaction.
	SelectList []CardSelect `json:"select_list,omitempty"`
	// SubmitButton sends the answers of vote_interaction and multiple_interaction.
	SubmitButton *CardSubmitButton `json:"submit_button,omitempty"`
	// ReplaceText, in an [UpdateTemplateCardRequest] only, greys the button and
	// labels it.
	ReplaceText string `json:"replace_text,omitempty"`
}

// Type is [TypeTemplateCard].
func (SendTemplateCardRequest) Type() Type { return TypeTemplateCard }

func (r SendTemplateCardRequest) with(c *SendRequestCommon) Request {
	r.SendRequestCommon = c
	return r
}

func (r SendTemplateCardRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	c = c.at("template_card")
	r.TemplateCard.check(c)
	r.TemplateCard.checkTaskID(c)
}

// check checks everything but the task_id, which an update leaves out.
func (t *TemplateCardField) check(c checker) {
	t.checkShared(c)
	switch t.CardType {
	case CardTextNotice:
		t.checkTextNotice(c)
	case CardNewsNotice:
		t.checkNewsNotice(c)
	case CardButtonInteraction:
		t.checkButtonInteraction(c)
	case CardVoteInteraction:
		t.checkVoteInteraction(c)
	case CardMultipleInteraction:
		t.checkMultipleInteraction(c)
	case "":
		c.problem("card_type", "missing or empty; want one of %s", cardTypes)
	default:
		c.problem("card_type", "%s is not known; want one of %s%s", quote(string(t.CardType)), cardTypes, didYouMean(nearest(string(t.CardType), cardTypes)))
	}
}

var cardTypes = []CardType{
	CardTextNotice, CardNewsNotice, CardButtonInteraction, CardVoteInteraction, CardMultipleInteraction,
}

func (t *TemplateCardField) checkTaskID(c checker) {
	callsBack := t.CardType == CardButtonInteraction || t.CardType == CardVoteInteraction ||
		t.CardType == CardMultipleInteraction
	switch {
	case t.TaskID != "":
		c.maxBytes("task_id", t.TaskID, MaxTaskIDBytes, refuses)
		if !madeOf(t.TaskID, "_-@") {
			c.problem("task_id", "%s has characters other than 0-9 A-Z a-z _ - @", quote(t.TaskID))
		}
	case callsBack:
		c.problem("task_id", "missing; a %s card needs it", t.CardType)
	case t.ActionMenu != nil:
		c.problem("task_id", "missing; a card with action_menu needs it")
	}
}

// checkShared checks the blocks that several types of cards show.
func (t *TemplateCardField) checkShared(c checker) {
	if t.Source != nil {
		c.at("source").upTo("desc_color", int(t.Source.DescColor), int(ColorGreen))
	}
	if t.ActionMenu != nil {
		t.ActionMenu.check(c.at("action_menu"))
	}
	if t.QuoteArea != nil {
		c.at("quote_area").jump(t.QuoteArea.Type, t.QuoteArea.URL, t.QuoteArea.AppID)
	}
	c.atMost("horizontal_content_list", len(t.HorizontalContentList), MaxHorizontalContents, "lines")
	for i, line := range t.HorizontalContentList {
		line.check(c.item("horizontal_content_list", i))
	}
	c.atMost("jump_list", len(t.JumpList), MaxJumps, "links")
	for i, jump := range t.JumpList {
		jump.check(c.item("jump_list", i))
	}
	if t.CardAction != nil {
		c.at("card_action").jump(t.CardAction.Type, t.CardAction.URL, t.CardAction.AppID)
	}
}

func (t *TemplateCardField) checkTextNotice(c checker) {
	if t.SubTitleText == "" && (t.MainTitle == nil || t.MainTitle.Title == "") {
		c.problem("main_title.title", "missing; a text_notice card needs it or sub_title_text")
	}
	t.checkAction(c)
}

func (t *TemplateCardField) checkNewsNotice(c checker) {
	t.checkTitle(c)
	t.checkAction(c)
	if t.CardImage == nil && t.ImageTextArea == nil {
		c.problem("card_image", "missing; a news_notice card needs it or image_text_area")
	}
	if t.CardImage != nil {
		t.CardImage.check(c.at("card_image"))
	}
	if t.ImageTextArea != nil {
		t.ImageTextArea.check(c.at("image_text_area"))
	}
	c.atMost("vertical_content_list", len(t.VerticalContentList), MaxVerticalContents, "texts")
	for i, text := range t.VerticalContentList {
		c.item("vertical_content_list", i).required("title", text.Title)
	}
}

func (t *TemplateCardField) checkButtonInteraction(c checker) {
	t.checkTitle(c)
	if t.ButtonSelection != nil {
		t.ButtonSelection.check(c.at("button_selection"), map[string]bool{})
	}
	c.oneTo("button_list", len(t.ButtonList), MaxButtons)
	keys := map[string]bool{}
	for i, button := range t.ButtonList {
		button.check(c.item("button_list", i), keys)
	}
}

func (t *TemplateCardField) checkVoteInteraction(c checker) {
	t.checkTitle(c)
	if t.Checkbox == nil {
		c.problem("checkbox", "missing; a vote_interaction card needs it")
	} else {
		t.Checkbox.check(c.at("checkbox"))
	}
	t.checkSubmit(c)
}

func (t *TemplateCardField) checkMultipleInteraction(c checker) {
	t.checkTitle(c)
	c.oneTo("select_list", len(t.SelectList), MaxSelects)
	keys := map[string]bool{}
	for i, selector := range t.SelectList {
		selector.check(c.item("select_list", i), keys)
	}
	t.checkSubmit(c)
}

func (t *TemplateCardField) checkTitle(c checker) {
	if t.MainTitle == nil || t.MainTitle.Title == "" {
		c.problem("main_title.title", "missing; a %s card needs it", t.CardType)
	}
}

// checkAction requires an action with a target.
func (t *TemplateCardField) checkAction(c checker) {
	if t.CardAction == nil || t.CardAction.Type == JumpNone {
		c.problem("card_action.type", "missing; a %s card needs 1 (url) or 2 (mini program)", t.CardType)
	}
}

func (t *TemplateCardField) checkSubmit(c checker) {
	if t.SubmitButton == nil {
		c.problem("submit_button", "missing; a %s card needs it", t.CardType)
		return
	}
	c = c.at("submit_button")
	c.required("text", t.SubmitButton.Text)
	c.key("key", t.SubmitButton.Key, MaxKeyBytes, map[string]bool{})
}
