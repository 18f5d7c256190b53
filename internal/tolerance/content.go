package tolerance

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

// Content is the part of a message under its msgtype, after judgement.
type Content struct {
	Object

	Safe     int64 // 0, 1 or 2
	Everyone bool  // the message goes to @all

	// Title and Text are what members will see, cut as WeCom cuts them.
	Title, Text string
	Callback    bool // a card whose sender gets a response_code
	Interactive bool // a card with buttons to press

	update bool // a card that replaces another one
	files  Files
}

// Files returns the fault of a message's media_id, nil if there is none. kind is the type of upload that WeCom
// requires there.
type Files func(mediaID, kind string) error

func (c *Content) file(id, kind string) error {
	if c.files == nil {
		return nil
	}
	return c.files(id, kind)
}

// contentChecks has one check per msgtype.
var contentChecks = map[string]func(*Content) error{
	"text":               checkText,
	"image":              func(c *Content) error { return c.fileOf("image") },
	"voice":              func(c *Content) error { return c.fileOf("voice") },
	"file":               func(c *Content) error { return c.fileOf("file") },
	"video":              checkVideo,
	"textcard":           checkTextCard,
	"news":               checkNews,
	"mpnews":             checkMPNews,
	"markdown":           checkMarkdown,
	"miniprogram_notice": checkNotice,
	"taskcard":           checkTaskCard,
	"template_card":      checkCard,
}

// checkText cuts long texts silently, as the page says and users have observed.
func checkText(c *Content) error {
	c.Text = cutBytes(c.Str("content"), maxText)
	return c.Require(44004, "content")
}

func (c *Content) fileOf(kind string) error {
	id := c.Str("media_id")
	if id == "" {
		return wecom.Code(41006)
	}
	return c.file(id, kind)
}

func checkVideo(c *Content) error {
	c.Title = cutBytes(c.Str("title"), maxTitle)
	c.Text = cutBytes(c.Str("description"), maxDescription)
	return c.fileOf("video")
}

func checkTextCard(c *Content) error {
	c.Title = cutRunes(c.Str("title"), maxCardTitle)
	c.Text = cutRunes(c.Str("description"), maxCardText)
	_ = c.Str("btntxt") // a value of another type counts as wrong JSON
	return firstOf(
		c.Require(41016, "title"),
		c.Require(41033, "description"),
		c.Require(41010, "url"),
		CheckURL(c.Str("url")),
	)
}

func checkNews(c *Content) error {
	if c.Safe != 0 {
		return wecom.Code(40074)
	}
	return c.checkArticles(checkNewsArticle)
}

// checkNewsArticle requires a link: a url, or a mini program, whose appid and
// pagepath only come together.
func checkNewsArticle(_ *Content, article Object) error {
	if err := article.Require(41016, "title"); err != nil {
		return err
	}
	url, appID, page := article.Str("url"), article.Str("appid"), article.Str("pagepath")
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
	return CheckURL(url)
}

func checkMPNews(c *Content) error { return c.checkArticles(checkMPNewsArticle) }

func checkMPNewsArticle(c *Content, article Object) error {
	if err := firstOf(article.Require(41016, "title"), article.Require(41006, "thumb_media_id")); err != nil {
		return err
	}
	switch text := article.Str("content"); {
	case len(article.Str("author")) > maxAuthor:
		return wecom.Code(45032)
	case text == "":
		return wecom.Code(44004)
	case len(text) > maxArticle:
		return wecom.Code(45002)
	}
	return c.file(article.Str("thumb_media_id"), "image")
}

// checkArticles checks each article; members see the first one's title and text.
func (c *Content) checkArticles(check func(*Content, Object) error) error {
	articles := c.Objs("articles")
	if len(articles) < 1 || len(articles) > maxArticles {
		return wecom.Code(45008)
	}
	for _, article := range articles {
		if err := check(c, article); err != nil {
			return err
		}
	}
	first := articles[0]
	c.Title = cutBytes(first.Str("title"), maxTitle)
	c.Text = cutBytes(first.Str("description")+first.Str("digest"), maxDescription)
	return nil
}

// checkMarkdown refuses long texts. WeCom documents no behaviour for app messages; its group bots refuse with
// this code, and a refusal makes the fault visible in a client.
func checkMarkdown(c *Content) error {
	c.Text = c.Str("content")
	if len(c.Text) > maxText {
		return refuse("markdown.content exceed max length %d", maxText)
	}
	return c.Require(44004, "content")
}

func checkNotice(c *Content) error {
	c.Title, c.Text = c.Str("title"), c.Str("description")
	items := c.Objs("content_item")
	switch {
	case c.Everyone: // the page forbids it without naming a code
		return refuse("miniprogram_notice not support touser @all")
	case c.Str("appid") == "":
		return wecom.Code(90200)
	case len(c.Str("page")) > maxPage:
		return wecom.Code(90204)
	case c.Title == "":
		return wecom.Code(41016)
	case len(items) > maxNoticeItems:
		return wecom.Code(90201)
	}
	for _, item := range items {
		if bad(item.Str("key"), maxNoticeKey, utf8.RuneCountInString) {
			return wecom.Code(90202)
		}
		if bad(item.Str("value"), maxNoticeValue, utf8.RuneCountInString) {
			return wecom.Code(90203)
		}
	}
	return nil
}

func checkTaskCard(c *Content) error {
	c.Title = cutBytes(c.Str("title"), maxTitle)
	c.Text = cutBytes(c.Str("description"), maxDescription)
	if err := firstOf(c.Require(41016, "title"), c.Require(41033, "description"), checkTaskID(c.Str("task_id"))); err != nil {
		return err
	}
	if url := c.Str("url"); url != "" {
		if err := CheckURL(url); err != nil {
			return err
		}
	}
	buttons := c.Objs("btn")
	if len(buttons) < 1 || len(buttons) > maxTaskCardBtns {
		return refuse("taskcard.btn count is not 1 to %d", maxTaskCardBtns)
	}
	keys := map[string]bool{}
	for _, button := range buttons {
		switch key := button.Str("key"); {
		case key == "":
			return wecom.Code(42019)
		case len(key) > maxTaskCardKey || keys[key]:
			return wecom.Code(42018)
		case button.Str("name") == "":
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

// CheckURL returns WeCom's error for a link, nil if WeCom accepts it.
func CheckURL(url string) error {
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
