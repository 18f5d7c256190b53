package gateway

import (
	"slices"

	"github.com/wecomq/wecomq/internal/cut"
	"github.com/wecomq/wecomq/internal/tolerance"
	"github.com/wecomq/wecomq/message"
)

// shortened is a text that WeCom itself would cut, silently and possibly within a character.
type shortened struct {
	kind, list, member string // of the content; list is "" for a member of its own
	most               int
	cut                func(text string, most int) string
}

// shortenedTexts are these texts. Markdown is cut as well, although WeCom's behaviour is not documented: half an
// alert is better than none.
var shortenedTexts = []shortened{
	{"text", "", "content", message.MaxTextBytes, cut.Bytes},
	{"markdown", "", "content", message.MaxMarkdownBytes, cut.Bytes},
	{"textcard", "", "title", message.MaxTextCardTitleChars, cut.Chars},
	{"textcard", "", "description", message.MaxTextCardDescriptionChars, cut.Chars},
	{"textcard", "", "btntxt", message.MaxTextCardButtonChars, cut.Chars},
	{"video", "", "title", message.MaxTitleBytes, cut.Bytes},
	{"video", "", "description", message.MaxDescriptionBytes, cut.Bytes},
	{"news", "articles", "title", message.MaxTitleBytes, cut.Bytes},
	{"news", "articles", "description", message.MaxDescriptionBytes, cut.Bytes},
	{"mpnews", "articles", "title", message.MaxTitleBytes, cut.Bytes},
	{"mpnews", "articles", "digest", message.MaxDescriptionBytes, cut.Bytes},
	{"taskcard", "", "title", message.MaxTitleBytes, cut.Bytes},
	{"taskcard", "", "description", message.MaxDescriptionBytes, cut.Bytes},
}

// shorten cuts these texts of a body, in place, and returns the names of the fields that it cut.
func shorten(body tolerance.Object) []string {
	kind := body.Str("msgtype")
	var names []string
	for _, s := range shortenedTexts {
		if s.kind != kind {
			continue
		}
		content, name := body.Obj(kind), kind+"."+s.member
		holders := []tolerance.Object{content}
		if s.list != "" {
			holders, name = content.Objs(s.list), kind+"."+s.list+"."+s.member
		}
		for _, holder := range holders {
			if s.apply(holder) {
				names = append(names, name)
			}
		}
	}
	return slices.Compact(names)
}

// apply cuts the text, and reports whether it was too long.
func (s shortened) apply(holder tolerance.Object) bool {
	whole := holder.Str(s.member)
	text := s.cut(whole, s.most)
	if text == whole {
		return false
	}
	holder.Set(s.member, text)
	return true
}
