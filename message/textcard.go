package message

// SendTextCardRequest is a card with a title, a text and one link (90236).
type SendTextCardRequest struct {
	*SendRequestCommon
	TextCard TextCardField `json:"textcard"`
}

// TextCardField is the content of a textcard message.
type TextCardField struct {
	// Title has at most [MaxTextCardTitleChars].
	Title string `json:"title"`
	// Description has at most [MaxTextCardDescriptionChars]; it may hold <br> and
	// <div class="gray|normal|highlight">.
	Description string `json:"description"`
	// URL begins with http:// or https:// and has at most [MaxURLBytes].
	URL string `json:"url"`
	// BtnTxt labels the link, at most [MaxTextCardButtonChars]; empty shows 详情.
	BtnTxt string `json:"btntxt,omitempty"`
}

// Type is [TypeTextCard].
func (SendTextCardRequest) Type() Type { return TypeTextCard }

func (r SendTextCardRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendTextCardRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	c = c.at("textcard")
	if c.required("title", r.TextCard.Title) {
		c.maxChars("title", r.TextCard.Title, MaxTextCardTitleChars, cuts)
	}
	if c.required("description", r.TextCard.Description) {
		c.maxChars("description", r.TextCard.Description, MaxTextCardDescriptionChars, cuts)
	}
	c.link("url", r.TextCard.URL)
	c.maxChars("btntxt", r.TextCard.BtnTxt, MaxTextCardButtonChars, cuts)
}
