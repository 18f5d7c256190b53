package message

// SendMpNewsRequest is a list of articles hosted by WeCom (90236). Every send creates new articles, with
// their own statistics.
type SendMpNewsRequest struct {
	*SendRequestCommon
	MpNews MpNewsField `json:"mpnews"`
}

// MpNewsField is the content of an mpnews message.
type MpNewsField struct {
	// Articles holds 1 to [MaxArticles] articles.
	Articles []MpNewsArticle `json:"articles"`
}

// MpNewsArticle is an article with its full text.
type MpNewsArticle struct {
	// Title has at most [MaxTitleBytes].
	Title string `json:"title"`
	// ThumbMediaID is from an uploaded picture, at most 3 days old (90253).
	ThumbMediaID string `json:"thumb_media_id"`
	// Author has at most [MaxAuthorBytes].
	Author string `json:"author,omitempty"`
	// ContentSourceURL is the target of "read more".
	ContentSourceURL string `json:"content_source_url,omitempty"`
	// Content is HTML of at most [MaxArticleBytes].
	Content string `json:"content"`
	// Digest has at most [MaxDescriptionBytes].
	Digest string `json:"digest,omitempty"`
}

// Type is [TypeMpNews].
func (SendMpNewsRequest) Type() Type { return TypeMpNews }

func (r SendMpNewsRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendMpNewsRequest) check(c checker) {
	c.checkSafe(r.Safe, internal)
	c = c.at("mpnews")
	c.oneTo("articles", len(r.MpNews.Articles), MaxArticles)
	for i, article := range r.MpNews.Articles {
		article.check(c.item("articles", i))
	}
}

func (a MpNewsArticle) check(c checker) {
	if c.required("title", a.Title) {
		c.maxBytes("title", a.Title, MaxTitleBytes, cuts)
	}
	c.required("thumb_media_id", a.ThumbMediaID)
	c.maxBytes("author", a.Author, MaxAuthorBytes, refuses)
	if c.required("content", a.Content) {
		c.maxBytes("content", a.Content, MaxArticleBytes, refuses)
	}
	c.maxBytes("digest", a.Digest, MaxDescriptionBytes, cuts)
}
