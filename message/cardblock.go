package message

// JumpType is the kind of target that a click opens.
type JumpType int

// The targets of a click (90236).
const (
	JumpNone JumpType = iota // nowhere
	JumpURL                  // to URL
	JumpApp                  // to PagePath of the mini program AppID
)

// jump requires the fields that the type needs.
func (c checker) jump(kind JumpType, url, appID string) {
	c.upTo("type", int(kind), int(JumpApp))
	switch kind {
	case JumpURL:
		c.required("url", url)
	case JumpApp:
		c.required("appid", appID)
	case JumpNone:
	}
}

// CardColor is the colour of the source's text.
type CardColor int

// The colours of the source's text (90236).
const (
	ColorGrey CardColor = iota
	ColorBlack
	ColorRed
	ColorGreen
)

// CardSource says where a card comes from.
type CardSource struct {
	IconURL   string    `json:"icon_url,omitempty"` // 72×72
	Desc      string    `json:"desc,omitempty"`     // WeCom suggests at most 20 characters
	DescColor CardColor `json:"desc_color,omitempty"`
}

// CardActionMenu is the menu at the top right of a card.
type CardActionMenu struct {
	Desc string `json:"desc,omitempty"`
	// ActionList holds 1 to [MaxMenuActions] entries.
	ActionList []CardMenuAction `json:"action_list"`
}

// CardMenuAction is an entry of a card's menu.
type CardMenuAction struct {
	Text string `json:"text"`
	Key  string `json:"key"` // unique, at most [MaxKeyBytes]
}

func (m CardActionMenu) check(c checker) {
	c.oneTo("action_list", len(m.ActionList), MaxMenuActions)
	keys := map[string]bool{}
	for i, action := range m.ActionList {
		item := c.item("action_list", i)
		item.required("text", action.Text)
		item.key("key", action.Key, MaxKeyBytes, keys)
	}
}

// CardMainTitle is the head of a card.
type CardMainTitle struct {
	Title string `json:"title,omitempty"` // WeCom suggests at most 36 characters
	Desc  string `json:"desc,omitempty"`  // WeCom suggests at most 44 characters
}

// CardQuoteArea is a quotation.
type CardQuoteArea struct {
	Type      JumpType `json:"type,omitempty"`
	URL       string   `json:"url,omitempty"`
	AppID     string   `json:"appid,omitempty"`
	PagePath  string   `json:"pagepath,omitempty"`
	Title     string   `json:"title,omitempty"`
	QuoteText string   `json:"quote_text,omitempty"`
}

// CardEmphasis is the big figure of a text_notice card.
type CardEmphasis struct {
	Title string `json:"title,omitempty"` // WeCom suggests at most 14 characters
	Desc  string `json:"desc,omitempty"`  // WeCom suggests at most 22 characters
}

// HorizontalType is the kind of value in a key-value line.
type HorizontalType int

// The kinds of values (90236).
const (
	HorizontalText       HorizontalType = iota
	HorizontalURL                       // a link to URL
	HorizontalAttachment                // the file MediaID; the value is its name
	HorizontalMember                    // the profile of UserID
)

// CardHorizontalContent is a key-value line.
type CardHorizontalContent struct {
	Type    HorizontalType `json:"type,omitempty"`
	KeyName string         `json:"keyname"`         // WeCom suggests at most 5 characters
	Value   string         `json:"value,omitempty"` // WeCom suggests at most 30 characters
	URL     string         `json:"url,omitempty"`
	MediaID string         `json:"media_id,omitempty"` // of an upload of type file
	UserID  string         `json:"userid,omitempty"`
}

func (h CardHorizontalContent) check(c checker) {
	c.required("keyname", h.KeyName)
	c.upTo("type", int(h.Type), int(HorizontalMember))
	switch h.Type {
	case HorizontalURL:
		c.required("url", h.URL)
	case HorizontalAttachment:
		c.required("media_id", h.MediaID)
	case HorizontalMember:
		c.required("userid", h.UserID)
	case HorizontalText:
	}
}

// CardVerticalContent is a text of a news_notice card.
type CardVerticalContent struct {
	Title string `json:"title"`          // WeCom suggests at most 38 characters
	Desc  string `json:"desc,omitempty"` // WeCom suggests at most 160 characters
}

// CardJump is a link at the foot of a card.
type CardJump struct {
	Type     JumpType `json:"type,omitempty"`
	Title    string   `json:"title"` // WeCom suggests at most 18 characters
	URL      string   `json:"url,omitempty"`
	AppID    string   `json:"appid,omitempty"`
	PagePath string   `json:"pagepath,omitempty"`
}

func (j CardJump) check(c checker) {
	c.required("title", j.Title)
	c.jump(j.Type, j.URL, j.AppID)
}

// CardAction is the target of a click on the card.
type CardAction struct {
	Type     JumpType `json:"type,omitempty"`
	URL      string   `json:"url,omitempty"`
	AppID    string   `json:"appid,omitempty"`
	PagePath string   `json:"pagepath,omitempty"`
}

// CardImage is the picture of a news_notice card.
type CardImage struct {
	URL string `json:"url"`
	// AspectRatio is width to height, [MinAspectRatio] to [MaxAspectRatio]; 0
	// means 1.3.
	AspectRatio float64 `json:"aspect_ratio,omitempty"`
}

func (i CardImage) check(c checker) {
	c.required("url", i.URL)
	if r := i.AspectRatio; r != 0 && !(r >= MinAspectRatio && r <= MaxAspectRatio) {
		c.problem("aspect_ratio", "%v; WeCom takes %v to %v", r, MinAspectRatio, MaxAspectRatio)
	}
}

// CardImageText is a picture with a text on its right.
type CardImageText struct {
	Type     JumpType `json:"type,omitempty"`
	URL      string   `json:"url,omitempty"`
	AppID    string   `json:"appid,omitempty"`
	PagePath string   `json:"pagepath,omitempty"`
	Title    string   `json:"title,omitempty"`
	Desc     string   `json:"desc,omitempty"`
	ImageURL string   `json:"image_url"`
}

func (t CardImageText) check(c checker) {
	c.required("image_url", t.ImageURL)
	c.jump(t.Type, t.URL, t.AppID)
}
