package message

// ButtonType is what a button does.
type ButtonType int

// The actions of a button (90236).
const (
	ButtonCallback ButtonType = iota // it calls the application back with Key
	ButtonURL                        // it opens URL
)

// ButtonStyle is how a button looks. 0 is [ButtonStrong].
type ButtonStyle int

// The styles of a button (90236).
const (
	ButtonStrong ButtonStyle = iota + 1
	ButtonSecondary
	ButtonNeutral
	ButtonNegative
)

// CardButton is a button of a button_interaction card.
type CardButton struct {
	Type  ButtonType  `json:"type,omitempty"`
	Text  string      `json:"text"` // WeCom suggests at most 10 characters
	Style ButtonStyle `json:"style,omitempty"`
	Key   string      `json:"key,omitempty"` // for [ButtonCallback]: unique, at most [MaxKeyBytes]
	URL   string      `json:"url,omitempty"` // for [ButtonURL]
}

func (b CardButton) check(c checker, keys map[string]bool) {
	c.required("text", b.Text)
	c.upTo("style", int(b.Style), int(ButtonNegative))
	c.upTo("type", int(b.Type), int(ButtonURL))
	switch b.Type {
	case ButtonCallback:
		c.key("key", b.Key, MaxKeyBytes, keys)
	case ButtonURL:
		c.required("url", b.URL)
	}
}

// CardSubmitButton sends the answers of a card.
type CardSubmitButton struct {
	Text string `json:"text"` // WeCom suggests at most 10 characters
	Key  string `json:"key"`  // at most [MaxKeyBytes]
}

// CardSelect is a question with one answer.
type CardSelect struct {
	QuestionKey string `json:"question_key"` // unique, at most [MaxKeyBytes]
	Title       string `json:"title,omitempty"`
	// Disable, in an [UpdateTemplateCardRequest] only, makes the answer final.
	Disable bool `json:"disable,omitempty"`
	// SelectedID is the option selected initially; empty selects the first.
	SelectedID string `json:"selected_id,omitempty"`
	// OptionList holds 1 to [MaxSelectOptions] options.
	OptionList []CardOption `json:"option_list"`
}

// CardOption is a possible answer.
type CardOption struct {
	ID   string `json:"id"`   // unique in the question, at most [MaxOptionIDBytes]
	Text string `json:"text"` // WeCom suggests at most 16 characters
}

func (s CardSelect) check(c checker, keys map[string]bool) {
	c.key("question_key", s.QuestionKey, MaxKeyBytes, keys)
	c.oneTo("option_list", len(s.OptionList), MaxSelectOptions)
	ids := map[string]bool{}
	for i, option := range s.OptionList {
		option.check(c.item("option_list", i), ids)
	}
}

func (o CardOption) check(c checker, ids map[string]bool) {
	c.key("id", o.ID, MaxOptionIDBytes, ids)
	c.required("text", o.Text)
}

// CheckboxMode sets how many answers a vote takes.
type CheckboxMode int

// The modes of a vote (90236).
const (
	CheckboxSingle CheckboxMode = iota
	CheckboxMulti
)

// CardCheckbox is the question of a vote_interaction card.
type CardCheckbox struct {
	QuestionKey string       `json:"question_key"` // at most [MaxKeyBytes]
	Mode        CheckboxMode `json:"mode,omitempty"`
	// Disable, in an [UpdateTemplateCardRequest] only, makes the answer final.
	Disable bool `json:"disable,omitempty"`
	// OptionList holds 1 to [MaxCheckboxOptions] options.
	OptionList []CardCheckboxOption `json:"option_list"`
}

// CardCheckboxOption is a possible answer of a vote.
type CardCheckboxOption struct {
	ID        string `json:"id"`   // unique in the question, at most [MaxOptionIDBytes]
	Text      string `json:"text"` // WeCom suggests at most 17 characters
	IsChecked bool   `json:"is_checked,omitempty"`
}

func (b CardCheckbox) check(c checker) {
	c.key("question_key", b.QuestionKey, MaxKeyBytes, map[string]bool{})
	c.upTo("mode", int(b.Mode), int(CheckboxMulti))
	c.oneTo("option_list", len(b.OptionList), MaxCheckboxOptions)
	ids := map[string]bool{}
	for i, option := range b.OptionList {
		CardOption{ID: option.ID, Text: option.Text}.check(c.item("option_list", i), ids)
	}
}
