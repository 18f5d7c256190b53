package wecomtest

import (
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/wecom"
)

// Limits of a message's content (page 90236), in UTF-8 bytes unless said otherwise.
const (
	maxText         = 2048 // text and app markdown
	maxTitle        = 128
	maxDescription  = 512
	maxCardTitle    = 128 // characters, since 2025
	maxCardText     = 512 // characters, since 2025
	maxURL          = 2048
	maxArticles     = 8
	maxAuthor       = 64
	maxArticle      = 666 << 10
	maxPage         = 1024
	maxNoticeItems  = 10
	maxNoticeKey    = 10 // characters
	maxNoticeValue  = 30 // characters
	maxTaskID       = 128
	maxTaskCardKey  = 128
	maxTaskCardBtns = 2
)

// content is the part of a message under its msgtype, being checked.
type content struct {
	object

	safe      int64
	everyone  bool // the message goes to @all
	update    bool // a card that replaces another one
	checkFile func(mediaID, kind string) error

	title, text string // what people will see, cut as WeCom cuts it
	callback    bool   // a card whose sender gets a response_code
	interactive bool   // a card with buttons to press
}

// contentChecks has one check per msgtype.
var contentChecks = map[string]func(*content) error{
	"text":               checkText,
	"image":              func(c *content) error { return c.checkFileOf("image") },
	"voice":              func(c *content) error { return c.checkFileOf("voice") },
	"file":               func(c *content) error { return c.checkFileOf("file") },
	"video":              checkVideo,
	"textcard":           checkTextCard,
	"news":               checkNews,
	"mpnews":             checkMPNews,
	"markdown":           checkMarkdown,
	"miniprogram_notice": checkNotice,
	"taskcard":           checkTaskCard,
	"template_card":      checkCard,
}

// checkText cuts long texts silently, as the page says and users have seen.
func checkText(c *content) error {
	c.text = cutBytes(c.str("content"), maxText)
	return c.require(44004, "content")
}

func (c *content) checkFileOf(kind string) error {
	id := c.str("media_id")
	if id == "" {
		return wecom.Code(41006)
	}
	return c.checkFile(id, kind)
}

func checkVideo(c *content) error {
	c.title = cutBytes(c.str("title"), maxTitle)
	c.text = cutBytes(c.str("description"), maxDescription)
	return c.checkFileOf("video")
}

func checkTextCard(c *content) error {
	c.title = cutRunes(c.str("title"), maxCardTitle)
	c.text = cutRunes(c.str("description"), maxCardText)
	return firstOf(
		c.require(41016, "title"),
		c.require(41033, "description"),
		c.require(41010, "url"),
		checkURL(c.str("url")),
	)
}

func checkNews(c *content) error {
	if c.safe != 0 {
		return wecom.Code(40074)
	}
	return c.checkArticles(checkNewsArticle)
}

// checkNewsArticle requires a link: a url, or a mini program, whose appid and
// pagepath only come together.
func checkNewsArticle(_ *content, article object) error {
	if err := article.require(41016, "title"); err != nil {
		return err
	}
	url, appID, page := article.str("url"), article.str("appid"), article.str("pagepath")
	switch {
	case appID != "" && page == "":
		return wecom.Code(90204)
	case appID == "" && page != "":
		return wecom.Code(90207)
	case appID != "":
		return nil // the url, if any, is ignored
	case url == "":
		return wecom.Code(41010)
	}
	return checkURL(url)
}

func checkMPNews(c *content) error { return c.checkArticles(checkMPNewsArticle) }

func checkMPNewsArticle(c *content, article object) error {
	if err := firstOf(article.require(41016, "title"), article.require(41006, "thumb_media_id")); err != nil {
		return err
	}
	switch text := article.str("content"); {
	case len(article.str("author")) > maxAuthor:
		return wecom.Code(45032)
	case text == "":
		return wecom.Code(44004)
	case len(text) > maxArticle:
		return wecom.Code(45002)
	}
	return c.checkFile(article.str("thumb_media_id"), "image")
}

// checkArticles checks each article; people see the first one's title and text.
func (c *content) checkArticles(check func(*content, object) error) error {
	articles := c.objs("articles")
	if len(articles) < 1 || len(articles) > maxArticles {
		return wecom.Code(45008)
	}
	for _, article := range articles {
		if err := check(c, article); err != nil {
			return err
		}
	}
	first := articles[0]
	c.title = cutBytes(first.str("title"), maxTitle)
	c.text = cutBytes(first.str("description")+first.str("digest"), maxDescription)
	return nil
}

// checkMarkdown refuses long texts. WeCom documents no reaction for app messages;
// its group bots refuse with this code, and refusing shows the fault in a client.
func checkMarkdown(c *content) error {
	c.text = c.str("content")
	if len(c.text) > maxText {
		return refuse(40058, "markdown.content exceed max length %d", maxText)
	}
	return c.require(44004, "content")
}

func checkNotice(c *content) error {
	c.title, c.text = c.str("title"), c.str("description")
	items := c.objs("content_item")
	switch {
	case c.everyone: // the page forbids it without naming a code
		return refuse(40058, "miniprogram_notice not support touser @all")
	case c.str("appid") == "":
		return wecom.Code(90200)
	case len(c.str("page")) > maxPage:
		return wecom.Code(90204)
	case c.title == "":
		return wecom.Code(41016)
	case len(items) > maxNoticeItems:
		return wecom.Code(90201)
	}
	for _, item := range items {
		if bad(item.str("key"), maxNoticeKey, utf8.RuneCountInString) {
			return wecom.Code(90202)
		}
		if bad(item.str("value"), maxNoticeValue, utf8.RuneCountInString) {
			return wecom.Code(90203)
		}
	}
	return nil
}

func checkTaskCard(c *content) error {
	c.title = cutBytes(c.str("title"), maxTitle)
	c.text = cutBytes(c.str("description"), maxDescription)
	if err := firstOf(c.require(41016, "title"), c.require(41033, "description"), checkTaskID(c.str("task_id"))); err != nil {
		return err
	}
	if url := c.str("url"); url != "" {
		if err := checkURL(url); err != nil {
			return err
		}
	}
	buttons := c.objs("btn")
	if len(buttons) < 1 || len(buttons) > maxTaskCardBtns {
		return refuse(40058, "taskcard.btn count is not 1 to %d", maxTaskCardBtns)
	}
	keys := map[string]bool{}
	for _, button := range buttons {
		switch key := button.str("key"); {
		case key == "":
			return wecom.Code(42019)
		case len(key) > maxTaskCardKey || keys[key]:
			return wecom.Code(42018)
		case button.str("name") == "":
			return wecom.Code(42020)
		default:
			keys[key] = true
		}
	}
	return nil
}

func checkTaskID(id string) error {
	if bad(id, maxTaskID, byteLen) || !consistsOf(id, "_-@") {
		return wecom.Code(42014)
	}
	return nil
}

func checkURL(url string) error {
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return wecom.Code(45034)
	}
	if len(url) > maxURL {
		return wecom.Code(40039)
	}
	return nil
}

// bad reports whether a required text is missing or too long.
func bad(text string, limit int, length func(string) int) bool {
	return text == "" || length(text) > limit
}

func byteLen(s string) int { return len(s) }

// cutBytes keeps at most limit bytes, whole characters only.
func cutBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// cutRunes keeps at most limit characters.
func cutRunes(s string, limit int) string {
	for i := range s {
		if limit == 0 {
			return s[:i]
		}
		limit--
	}
	return s
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
