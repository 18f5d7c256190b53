package message

// SendTextRequest is a plain text (90236).
type SendTextRequest struct {
	*SendRequestCommon
	Text TextField `json:"text"`
}

// TextField is the content of a text message.
type TextField struct {
	// Content has at most [MaxTextBytes]; it may hold line breaks and <a href>.
	Content string `json:"content"`
}

// Type is [TypeText].
func (SendTextRequest) Type() Type { return TypeText }

func (r SendTextRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendTextRequest) check(c checker) {
	c.checkSafe(r.Safe, confidential)
	c = c.at("text")
	if c.required("content", r.Text.Content) {
		c.maxBytes("content", r.Text.Content, MaxTextBytes, cuts)
	}
}
