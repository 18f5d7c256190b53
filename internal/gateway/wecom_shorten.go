package gateway

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/message"
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// shorten cuts texts that WeCom would cut itself, silently and within a character,
// and returns the names of their fields. It cuts markdown as well, although what
// WeCom does with that is not documented: half an alert is better than none. The
// request passed in is not changed.
func shorten(request message.Request) (message.Request, []string) {
	var s shortener
	switch r := request.(type) {
	case message.SendTextRequest:
		s.bytes("text.content", &r.Text.Content, message.MaxTextBytes)
		request = r
	case message.SendMarkdownRequest:
		s.bytes("markdown.content", &r.Markdown.Content, message.MaxMarkdownBytes)
		request = r
	case message.SendTextCardRequest:
		s.chars("textcard.title", &r.TextCard.Title, message.MaxTextCardTitleChars)
		s.chars("textcard.description", &r.TextCard.Description, message.MaxTextCardDescriptionChars)
		s.chars("textcard.btntxt", &r.TextCard.BtnTxt, message.MaxTextCardButtonChars)
		request = r
	case message.SendVideoRequest:
		s.bytes("video.title", &r.Video.Title, message.MaxTitleBytes)
		s.bytes("video.description", &r.Video.Description, message.MaxDescriptionBytes)
		request = r
	case message.SendNewsRequest:
		r.News.Articles = slices.Clone(r.News.Articles)
		for i := range r.News.Articles {
			s.bytes("news.articles.title", &r.News.Articles[i].Title, message.MaxTitleBytes)
			s.bytes("news.articles.description", &r.News.Articles[i].Description, message.MaxDescriptionBytes)
		}
		request = r
	case message.SendMpNewsRequest:
		r.MpNews.Articles = slices.Clone(r.MpNews.Articles)
		for i := range r.MpNews.Articles {
			s.bytes("mpnews.articles.title", &r.MpNews.Articles[i].Title, message.MaxTitleBytes)
			s.bytes("mpnews.articles.digest", &r.MpNews.Articles[i].Digest, message.MaxDescriptionBytes)
		}
		request = r
	}
	return request, slices.Compact(s.cut)
}

// shortener records which fields it cuts.
type shortener struct{ cut []string }

func (s *shortener) bytes(field string, text *string, limit int) {
	if len(*text) <= limit {
		return
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart((*text)[end]) {
		end--
	}
	*text = strings.TrimRight((*text)[:end], " \n") + ellipsis
	s.cut = append(s.cut, field)
}

func (s *shortener) chars(field string, text *string, limit int) {
	if len(*text) <= limit || utf8.RuneCountInString(*text) <= limit {
		return
	}
	*text = string([]rune(*text)[:limit-1]) + ellipsis
	s.cut = append(s.cut, field)
}
