package message

// SendMarkdownRequest is a text in WeCom's subset of Markdown (90236): headings,
// bold, links, inline code, quotes and <font color="info|comment|warning">.
type SendMarkdownRequest struct {
	*SendRequestCommon
	Markdown MarkdownField `json:"markdown"`
}

// MarkdownField is the content of a markdown message.
type MarkdownField struct {
	// Content has at most [MaxMarkdownBytes].
	Content string `json:"content"`
}

// Type is [TypeMarkdown].
func (SendMarkdownRequest) Type() Type { return TypeMarkdown }

func (r SendMarkdownRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendMarkdownRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	c = c.at("markdown")
	if c.required("content", r.Markdown.Content) {
		// WeCom does not document what happens to longer content in app messages.
		c.maxBytes("content", r.Markdown.Content, MaxMarkdownBytes, "it may cut or refuse the rest")
	}
}
