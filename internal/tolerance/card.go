package tolerance

import "github.com/wecomq/wecomq/wecom"

// Limits of a template card (page 90236).
const (
	maxKey             = 1024 // bytes, of keys and question keys
	maxOptionID        = 128  // bytes
	maxHorizontal      = 6
	maxVertical        = 4
	maxJumps           = 3
	maxActions         = 3
	maxButtons         = 6
	maxQuestions       = 3
	maxOptions         = 10
	maxCheckboxOptions = 20
	minAspectRatio     = 1.3
	maxAspectRatio     = 2.25
)

// Kinds of the link in a block's member type.
const (
	linkNone = 0
	linkURL  = 1
	linkApp  = 2
)

// cardChecks has one check per card type, beyond what all cards share.
var cardChecks = map[string]func(*Content) error{
	"text_notice":          checkTextNotice,
	"news_notice":          checkNewsNotice,
	"button_interaction":   checkButtonCard,
	"vote_interaction":     checkVoteCard,
	"multiple_interaction": checkMultipleCard,
}

func checkCard(c *Content) error {
	kind := c.Str("card_type")
	check, known := cardChecks[kind]
	if !known {
		return wecom.Code(42031)
	}
	title := c.Obj("main_title")
	c.Title = title.Str("title")
	c.Text = c.Str("sub_title_text")
	if c.Text == "" {
		c.Text = title.Str("desc")
	}
	c.Interactive = kind != "text_notice" && kind != "news_notice"
	c.Callback = c.Interactive || c.Has("action_menu")
	return firstOf(
		c.checkCardID(),
		c.checkActionMenu(),
		checkLink(c.Obj("quote_area")),
		c.checkHorizontal(),
		c.checkJumps(),
		check(c),
	)
}

// checkCardID requires a task_id of every card that calls back. A card that replaces another one keeps the other's.
func (c *Content) checkCardID() error {
	id := c.Str("task_id")
	if id == "" && (c.update || !c.Interactive && !c.Has("action_menu")) {
		return nil
	}
	return checkTaskID(id)
}

func (c *Content) checkActionMenu() error {
	if !c.Has("action_menu") {
		return nil
	}
	actions := c.Obj("action_menu").Objs("action_list")
	if len(actions) < 1 || len(actions) > maxActions {
		return refuse("template_card.action_menu.action_list count is not 1 to %d", maxActions)
	}
	keys := map[string]bool{}
	for _, action := range actions {
		key := action.Str("key")
		if action.Str("text") == "" || bad(key, maxKey, byteLen) {
			return refuse("template_card.action_menu.action_list text or key missing or too long")
		}
		if keys[key] {
			return wecom.Code(42051)
		}
		keys[key] = true
	}
	return nil
}

func (c *Content) checkHorizontal() error {
	items := c.Objs("horizontal_content_list")
	if len(items) > maxHorizontal {
		return wecom.Code(42035)
	}
	for _, item := range items {
		if err := item.Require(42027, "keyname"); err != nil {
			return err
		}
		if err := c.checkHorizontalTarget(item); err != nil {
			return err
		}
	}
	return nil
}

// checkHorizontalTarget: type 1 is a link, 2 an attachment, 3 a member.
func (c *Content) checkHorizontalTarget(item Object) error {
	switch item.Flag("type") {
	case 1:
		return item.Require(42028, "url")
	case 2:
		return firstOf(item.Require(42029, "media_id"), c.file(item.Str("media_id"), "file"))
	case 3:
		return item.Require(42050, "userid")
	}
	return nil
}

func (c *Content) checkJumps() error {
	jumps := c.Objs("jump_list")
	if len(jumps) > maxJumps {
		return wecom.Code(42042)
	}
	for _, jump := range jumps {
		if err := firstOf(jump.Require(42033, "title"), checkLink(jump)); err != nil {
			return err
		}
	}
	return nil
}

func checkTextNotice(c *Content) error {
	if c.Title == "" && c.Str("sub_title_text") == "" {
		return wecom.Code(42033)
	}
	return c.checkCardAction()
}

func checkNewsNotice(c *Content) error {
	if err := firstOf(c.checkMainTitle(), c.checkCardAction(), c.checkPicture()); err != nil {
		return err
	}
	items := c.Objs("vertical_content_list")
	if len(items) > maxVertical {
		return wecom.Code(42036)
	}
	for _, item := range items {
		if err := item.Require(42033, "title"); err != nil {
			return err
		}
	}
	return nil
}

// checkPicture requires a card_image or an image_text_area.
func (c *Content) checkPicture() error {
	image, area := c.Obj("card_image"), c.Obj("image_text_area")
	if !c.Has("card_image") && !c.Has("image_text_area") {
		return wecom.Code(42044)
	}
	if c.Has("card_image") {
		if err := image.Require(42044, "url"); err != nil {
			return err
		}
		// 0 is what clients with typed fields send for the default.
		if ratio, ok := image.Float("aspect_ratio"); !ok || ratio != 0 && (ratio < minAspectRatio || ratio > maxAspectRatio) {
			return refuse("template_card.card_image.aspect_ratio is not %v to %v", minAspectRatio, maxAspectRatio)
		}
	}
	if c.Has("image_text_area") {
		return firstOf(area.Require(42044, "image_url"), checkLink(area))
	}
	return nil
}

func checkButtonCard(c *Content) error {
	if err := c.checkMainTitle(); err != nil {
		return err
	}
	if action := c.Obj("card_action"); action.Flag("type") != linkNone {
		if err := c.checkCardAction(); err != nil {
			return err
		}
	}
	if c.Has("button_selection") {
		if err := checkQuestion(c.Obj("button_selection"), maxOptions); err != nil {
			return err
		}
	}
	return c.checkButtons()
}

// checkButtons: type 1 opens a link, the others call back with their key.
func (c *Content) checkButtons() error {
	buttons := c.Objs("button_list")
	if len(buttons) < 1 || len(buttons) > maxButtons {
		return wecom.Code(42038)
	}
	keys := map[string]bool{}
	for _, button := range buttons {
		if err := button.Require(42038, "text"); err != nil {
			return err
		}
		if style := button.Flag("style"); style < 0 || style > 4 {
			return refuse("template_card.button_list.style is not 1 to 4")
		}
		if button.Flag("type") == linkURL {
			if err := button.Require(42028, "url"); err != nil {
				return err
			}
			continue
		}
		key := button.Str("key")
		if bad(key, maxKey, byteLen) || keys[key] {
			return wecom.Code(42039)
		}
		keys[key] = true
	}
	return nil
}

func checkVoteCard(c *Content) error {
	return firstOf(c.checkMainTitle(), checkQuestion(c.Obj("checkbox"), maxCheckboxOptions), c.checkSubmit())
}

func checkMultipleCard(c *Content) error {
	if err := c.checkMainTitle(); err != nil {
		return err
	}
	questions := c.Objs("select_list")
	if len(questions) < 1 || len(questions) > maxQuestions {
		return wecom.Code(42047)
	}
	keys := map[string]bool{}
	for _, question := range questions {
		if err := checkQuestion(question, maxOptions); err != nil {
			return err
		}
		key := question.Str("question_key")
		if keys[key] {
			return wecom.Code(42043)
		}
		keys[key] = true
	}
	return c.checkSubmit()
}

// checkQuestion checks a checkbox, a select_list item or a button_selection.
func checkQuestion(question Object, limit int) error {
	if bad(question.Str("question_key"), maxKey, byteLen) {
		return wecom.Code(42043)
	}
	options := question.Objs("option_list")
	if len(options) < 1 || len(options) > limit {
		return wecom.Code(42037)
	}
	ids := map[string]bool{}
	for _, option := range options {
		id := option.Str("id")
		if bad(id, maxOptionID, byteLen) || ids[id] {
			return wecom.Code(42040)
		}
		if err := option.Require(42041, "text"); err != nil {
			return err
		}
		ids[id] = true
	}
	return nil
}

func (c *Content) checkSubmit() error {
	submit := c.Obj("submit_button")
	if bad(submit.Str("key"), maxKey, byteLen) {
		return wecom.Code(42046)
	}
	return submit.Require(42049, "text")
}

func (c *Content) checkMainTitle() error { return c.Obj("main_title").Require(42033, "title") }

func (c *Content) checkCardAction() error {
	action := c.Obj("card_action")
	if kind := action.Flag("type"); kind != linkURL && kind != linkApp {
		return wecom.Code(42045)
	}
	return checkLink(action)
}

// checkLink checks that a block has what its type requires: a url or a mini program.
func checkLink(block Object) error {
	switch block.Flag("type") {
	case linkURL:
		return block.Require(42028, "url")
	case linkApp:
		return block.Require(42030, "appid")
	}
	return nil
}
