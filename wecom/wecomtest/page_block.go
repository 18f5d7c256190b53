package wecomtest

import (
	"net/url"
	"slices"

	"github.com/wecomq/wecomq/internal/appearance"
	"github.com/wecomq/wecomq/internal/tolerance"
)

// block is a part of a message's body, for the page's template. Missing members, and those of a wrong type,
// are empty, as for WeCom.
type block struct{ tolerance.Object }

// Obj is a part, empty if missing.
func (b block) Obj(key string) block { return block{b.Object.Obj(key)} }

// Objs is a list of parts.
func (b block) Objs(key string) []block {
	objects := b.Object.Objs(key)
	blocks := make([]block, len(objects))
	for i, o := range objects {
		blocks[i] = block{o}
	}
	return blocks
}

// Num is a small number, 0 if missing.
func (b block) Num(key string) int64 { return b.Flag(key) }

// Link is the target of a click on the part, "" if a browser cannot open it.
func (b block) Link() string {
	if link := b.Str("url"); tolerance.CheckURL(link) == nil {
		return link
	}
	return ""
}

// Program is the mini program that a click on the part opens.
func (b block) Program() string {
	if id := b.Str("appid"); id != "" {
		return id + " " + b.Str("pagepath") + b.Str("page")
	}
	return ""
}

// Host is the host of a picture, which the page does not fetch.
func (b block) Host(key string) string {
	u, err := url.Parse(b.Str(key))
	if err != nil || u.Host == "" {
		return b.Str(key)
	}
	return u.Host
}

// Chosen reports whether an option is ticked: by itself, or by its question.
func (b block) Chosen(question block) bool {
	return b.Is("is_checked") || b.Str("id") != "" && b.Str("id") == question.Str("selected_id")
}

// Tone is the colour of a card's source line, one of WeCom's four.
func (b block) Tone() string {
	tones := []string{"gray", "black", "red", "green"}
	return tones[min(max(b.Flag("desc_color"), 0), int64(len(tones)-1))]
}

// Lines are the content of a text, markdown or textcard message, cut where WeCom
// cuts it.
func (b bubble) Lines() []appearance.Line {
	switch b.MsgType {
	case "markdown":
		return appearance.Markdown(b.Text)
	case "textcard":
		return appearance.TextCard(b.Text)
	}
	return appearance.Text(b.Text)
}

// Cut reports whether WeCom has cut a text.
func (b bubble) Cut() bool {
	return b.MsgType == "text" && len(b.Text) < len(b.Content.Str("content"))
}

// Undelivered reports whether the message reached nobody.
func (b bubble) Undelivered() bool {
	return b.Suppressed || !b.ToAll && len(b.To)+len(b.Parties)+len(b.Tags) == 0
}

// Refused are the recipients that WeCom reported.
func (b bubble) Refused() []string {
	return slices.Concat(b.InvalidUsers, prefixed("department ", b.InvalidParties), prefixed("tag ", b.InvalidTags))
}

// Groups are the departments and tags that the message was sent to.
func (b bubble) Groups() []string {
	return slices.Concat(prefixed("department ", b.Parties), prefixed("tag ", b.Tags))
}

func prefixed(prefix string, ids []string) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = prefix + id
	}
	return all
}
