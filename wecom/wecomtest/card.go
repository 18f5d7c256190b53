package wecomtest

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
var cardChecks = map[string]func(*content) error{
	"text_notice":          checkTextNotice,
	"news_notice":          checkNewsNotice,
	"button_interaction":   checkButtonCard,
	"vote_interaction":     checkVoteCard,
	"multiple_interaction": checkMultipleCard,
}

func checkCard(c *content) error {
	kind := c.str("card_type")
	check, known := cardChecks[kind]
	if !known {
		return wecom.Code(42031)
	}
	title := c.obj("main_title")
	c.title = title.str("title")
	c.text = c.str("sub_title_text")
	if c.text == "" {
		c.text = title.str("desc")
	}
	c.interactive = kind != "text_notice" && kind != "news_notice"
	c.callback = c.interactive || c.has("action_menu")
	return firstOf(
		c.checkCardID(),
		c.checkActionMenu(),
		checkLink(c.obj("quote_area")),
		c.checkHorizontal(),
		c.checkJumps(),
		check(c),
	)
}

// checkCardID requires a task_id of every card that calls back. A card that replaces
// another one keeps the other's.
func (c *content) checkCardID() error {
	id := c.str("task_id")
	if id == "" && (c.update || !c.interactive && !c.has("action_menu")) {
		return nil
	}
	return checkTaskID(id)
}

func (c *content) checkActionMenu() error {
	if !c.has("action_menu") {
		return nil
	}
	actions := c.obj("action_menu").objs("action_list")
	if len(actions) < 1 || len(actions) > maxActions {
		return refuse(40058, "template_card.action_menu.action_list count is not 1 to %d", maxActions)
	}
	keys := map[string]bool{}
	for _, action := range actions {
		key := action.str("key")
		if action.str("text") == "" || bad(key, maxKey, byteLen) {
			return refuse(40058, "template_card.action_menu.action_list text or key missing or too long")
		}
		if keys[key] {
			return wecom.Code(42051)
		}
		keys[key] = true
	}
	return nil
}

func (c *content) checkHorizontal() error {
	items := c.objs("horizontal_content_list")
	if len(items) > maxHorizontal {
		return wecom.Code(42035)
	}
	for _, item := range items {
		if err := item.require(42027, "keyname"); err != nil {
			return err
		}
		if err := c.checkHorizontalTarget(item); err != nil {
			return err
		}
	}
	return nil
}

// checkHorizontalTarget: type 1 is a link, 2 an attachment, 3 a member.
func (c *content) checkHorizontalTarget(item object) error {
	switch item.flag("type") {
	case 1:
		return item.require(42028, "url")
	case 2:
		return firstOf(item.require(42029, "media_id"), c.checkFile(item.str("media_id"), "file"))
	case 3:
		return item.require(42050, "userid")
	}
	return nil
}

func (c *content) checkJumps() error {
	jumps := c.objs("jump_list")
	if len(jumps) > maxJumps {
		return wecom.Code(42042)
	}
	for _, jump := range jumps {
		if err := firstOf(jump.require(42033, "title"), checkLink(jump)); err != nil {
			return err
		}
	}
	return nil
}

func checkTextNotice(c *content) error {
	if c.title == "" && c.str("sub_title_text") == "" {
		return wecom.Code(42033)
	}
	return c.checkCardAction()
}

func checkNewsNotice(c *content) error {
	if err := firstOf(c.checkMainTitle(), c.checkCardAction(), c.checkPicture()); err != nil {
		return err
	}
	items := c.objs("vertical_content_list")
	if len(items) > maxVertical {
		return wecom.Code(42036)
	}
	for _, item := range items {
		if err := item.require(42033, "title"); err != nil {
			return err
		}
	}
	return nil
}

// checkPicture requires a card_image or an image_text_area.
func (c *content) checkPicture() error {
	image, area := c.obj("card_image"), c.obj("image_text_area")
	if !c.has("card_image") && !c.has("image_text_area") {
		return wecom.Code(42044)
	}
	if c.has("card_image") {
		if err := image.require(42044, "url"); err != nil {
			return err
		}
		// 0 is what clients with typed fields send for the default.
		if ratio, ok := image.float("aspect_ratio"); !ok || ratio != 0 && (ratio < minAspectRatio || ratio > maxAspectRatio) {
			return refuse(40058, "template_card.card_image.aspect_ratio is not %v to %v", minAspectRatio, maxAspectRatio)
		}
	}
	if c.has("image_text_area") {
		return firstOf(area.require(42044, "image_url"), checkLink(area))
	}
	return nil
}

func checkButtonCard(c *content) error {
	if err := c.checkMainTitle(); err != nil {
		return err
	}
	if action := c.obj("card_action"); action.flag("type") != linkNone {
		if err := c.checkCardAction(); err != nil {
			return err
		}
	}
	if c.has("button_selection") {
		if err := checkQuestion(c.obj("button_selection"), maxOptions); err != nil {
			return err
		}
	}
	return c.checkButtons()
}

// checkButtons: type 1 opens a link, the others call back with their key.
func (c *content) checkButtons() error {
	buttons := c.objs("button_list")
	if len(buttons) < 1 || len(buttons) > maxButtons {
		return wecom.Code(42038)
	}
	keys := map[string]bool{}
	for _, button := range buttons {
		if err := button.require(42038, "text"); err != nil {
			return err
		}
		if style := button.flag("style"); style < 0 || style > 4 {
			return refuse(40058, "template_card.button_list.style is not 1 to 4")
		}
		if button.flag("type") == linkURL {
			if err := button.require(42028, "url"); err != nil {
				return err
			}
			continue
		}
		key := button.str("key")
		if bad(key, maxKey, byteLen) || keys[key] {
			return wecom.Code(42039)
		}
		keys[key] = true
	}
	return nil
}

func checkVoteCard(c *content) error {
	return firstOf(c.checkMainTitle(), checkQuestion(c.obj("checkbox"), maxCheckboxOptions), c.checkSubmit())
}

func checkMultipleCard(c *content) error {
	if err := c.checkMainTitle(); err != nil {
		return err
	}
	questions := c.objs("select_list")
	if len(questions) < 1 || len(questions) > maxQuestions {
		return wecom.Code(42047)
	}
	keys := map[string]bool{}
	for _, question := range questions {
		if err := checkQuestion(question, maxOptions); err != nil {
			return err
		}
		key := question.str("question_key")
		if keys[key] {
			return wecom.Code(42043)
		}
		keys[key] = true
	}
	return c.checkSubmit()
}

// checkQuestion checks a checkbox, a select_list item or a button_selection.
func checkQuestion(question object, limit int) error {
	if bad(question.str("question_key"), maxKey, byteLen) {
		return wecom.Code(42043)
	}
	options := question.objs("option_list")
	if len(options) < 1 || len(options) > limit {
		return wecom.Code(42037)
	}
	ids := map[string]bool{}
	for _, option := range options {
		id := option.str("id")
		if bad(id, maxOptionID, byteLen) || ids[id] {
			return wecom.Code(42040)
		}
		if err := option.require(42041, "text"); err != nil {
			return err
		}
		ids[id] = true
	}
	return nil
}

func (c *content) checkSubmit() error {
	submit := c.obj("submit_button")
	if bad(submit.str("key"), maxKey, byteLen) {
		return wecom.Code(42046)
	}
	return submit.require(42049, "text")
}

func (c *content) checkMainTitle() error { return c.obj("main_title").require(42033, "title") }

func (c *content) checkCardAction() error {
	action := c.obj("card_action")
	if kind := action.flag("type"); kind != linkURL && kind != linkApp {
		return wecom.Code(42045)
	}
	return checkLink(action)
}

// checkLink checks what a block's type promises: a url or a mini program.
func checkLink(block object) error {
	switch block.flag("type") {
	case linkURL:
		return block.require(42028, "url")
	case linkApp:
		return block.require(42030, "appid")
	}
	return nil
}
