package message

// SendNewsRequest is a list of links to articles (90236).
type SendNewsRequest struct {
	*SendRequestCommon
	News NewsField `json:"news"`
}

// NewsField is the content of a news message.
type NewsField struct {
	// Articles holds 1 to [MaxArticles] articles.
	Articles []NewsArticle `json:"articles"`
}

// NewsArticle links to a web page or to a page of a mini program.
type NewsArticle struct {
	// Title has at most [MaxTitleBytes].
	Title string `json:"title"`
	// Description has at most [MaxDescriptionBytes].
	Description string `json:"description,omitempty"`
	// URL begins with http:// or https:// and has at most [MaxURLBytes]. It is
	// ignored if AppID is set, and required if not.
	URL string `json:"url,omitempty"`
	// PicURL is a JPG or PNG, 1068×455 in the first article and 150×150 in the
	// others; at most [MaxURLBytes].
	PicURL string `json:"picurl,omitempty"`
	// AppID is a mini program that is linked to the application.
	AppID string `json:"appid,omitempty"`
	// PagePath is the mini program's page, at most [MaxPagePathBytes]. It requires AppID, and AppID requires
	// it.
	PagePath string `json:"pagepath,omitempty"`
}

// Type is [TypeNews].
func (SendNewsRequest) Type() Type { return TypeNews }

func (r SendNewsRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendNewsRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	c = c.at("news")
	c.oneTo("articles", len(r.News.Articles), MaxArticles)
	for i, article := range r.News.Articles {
		article.check(c.item("articles", i))
	}
}

func (a NewsArticle) check(c checker) {
	if c.required("title", a.Title) {
		c.maxBytes("title", a.Title, MaxTitleBytes, cuts)
	}
	c.maxBytes("description", a.Description, MaxDescriptionBytes, cuts)
	c.maxBytes("picurl", a.PicURL, MaxURLBytes, refuses)
	switch {
	case a.AppID == "" && a.PagePath == "" && a.URL == "":
		c.problem("url", "missing; set url, or appid and pagepath")
	case a.AppID == "" && a.PagePath == "":
		c.link("url", a.URL)
	case a.AppID == "":
		c.problem("appid", "missing; pagepath needs it")
	case a.PagePath == "":
		c.problem("pagepath", "missing; appid needs it")
	default:
		c.maxBytes("pagepath", a.PagePath, MaxPagePathBytes, refuses)
	}
}
