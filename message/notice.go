package message

// SendMiniProgramNoticeRequest is a notice that opens a mini program (90236).
// Only an application that is bound to one may send it, and never to "@all".
type SendMiniProgramNoticeRequest struct {
	*SendRequestCommon
	MiniProgramNotice MiniProgramNoticeField `json:"miniprogram_notice"`
}

// MiniProgramNoticeField is the content of a miniprogram_notice message.
type MiniProgramNoticeField struct {
	// AppID is the mini program.
	AppID string `json:"appid"`
	// Page has at most [MaxNoticePageBytes]; without it a click does nothing.
	Page string `json:"page,omitempty"`
	// Title should have 4 to 12 Chinese characters.
	Title string `json:"title"`
	// Description should have 4 to 12 Chinese characters.
	Description string `json:"description,omitempty"`
	// EmphasisFirstItem enlarges the first line.
	EmphasisFirstItem bool `json:"emphasis_first_item,omitempty"`
	// ContentItem holds at most [MaxNoticeItems] lines.
	ContentItem []NoticeItem `json:"content_item,omitempty"`
}

// NoticeItem is a line of a notice.
type NoticeItem struct {
	Key   string `json:"key"`   // at most [MaxNoticeKeyChars]
	Value string `json:"value"` // at most [MaxNoticeValueChars]
}

// Type is [TypeMiniProgramNotice].
func (SendMiniProgramNoticeRequest) Type() Type { return TypeMiniProgramNotice }

func (r SendMiniProgramNoticeRequest) with(c *SendRequestCommon) Request {
	r.SendRequestCommon = c
	return r
}

func (r SendMiniProgramNoticeRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	if r.Recipients().All() {
		c.problem("touser", `"@all" cannot get a miniprogram_notice; name users, departments or tags`)
	}
	notice := r.MiniProgramNotice
	c = c.at("miniprogram_notice")
	c.required("appid", notice.AppID)
	c.maxBytes("page", notice.Page, MaxNoticePageBytes, refuses)
	c.required("title", notice.Title)
	c.atMost("content_item", len(notice.ContentItem), MaxNoticeItems, "items")
	for i, item := range notice.ContentItem {
		item.check(c.item("content_item", i))
	}
}

func (i NoticeItem) check(c checker) {
	if c.required("key", i.Key) {
		c.maxChars("key", i.Key, MaxNoticeKeyChars, refuses)
	}
	if c.required("value", i.Value) {
		c.maxChars("value", i.Value, MaxNoticeValueChars, refuses)
	}
}
