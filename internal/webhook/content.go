package webhook

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/internal/cut"
	"github.com/wecomq/wecomq/message"
)

// Limits of a card that WeCom recommends, in characters (90236).
const (
	cardSource        = 20
	cardTitle         = 36
	cardDesc          = 44
	cardEmphasisTitle = 14
	cardEmphasisDesc  = 22
	cardSubTitle      = 160
	cardKey           = 5
	cardValue         = 30
	cardJump          = 18
)

// errNoLink is returned for a card without a link, which WeCom rejects.
var errNoLink = errors.New("url: no http or https address, which a card needs (the gateway would send markdown instead)")

// content builds messages of one type.
type content struct {
	// build makes the message from a template's texts, with note below the alerts.
	build func(texts map[string]string, note string) (message.Request, error)
	// main is the text that contains the alerts; it is cut as a last resort.
	main string
	// room is how much main may hold, including the note, and size measures it.
	room    int
	size    func(string) int
	shorten func(text string, most int) string
	// rows is how many labels and annotations of one alert have fields of their own, outside main.
	rows int
	// join appends the note to the text.
	join func(text, note string) string
}

var contents = map[string]content{
	string(message.TypeText): {
		build: buildText, main: body, room: message.MaxTextBytes, size: byteCount, shorten: cut.Bytes, join: below,
	},
	string(message.TypeMarkdown): {
		build: buildMarkdown, main: body, room: message.MaxMarkdownBytes, size: byteCount, shorten: cut.Bytes, join: below,
	},
	string(message.TypeTextCard): {
		build: buildTextCard, main: "description", room: message.MaxTextCardDescriptionChars,
		size: utf8.RuneCountInString, shorten: cut.Chars, join: belowHTML,
	},
	string(message.TypeTemplateCard): {
		build: buildCard, main: "sub_title", room: cardSubTitle, size: utf8.RuneCountInString, shorten: cut.Chars, join: below,
		rows: 64,
	},
}

func byteCount(s string) int { return len(s) }

func below(text, note string) string {
	if note == "" {
		return text
	}
	return text + "\n" + note
}

func belowHTML(text, note string) string {
	if note == "" {
		return text
	}
	return text + `<div class="gray">` + note + `</div>`
}

// fits reports whether a template's texts and the note fit into a message.
func (c content) fits(texts map[string]string, note string) bool {
	return c.size(c.join(texts[c.main], note)) <= c.room
}

// cut shortens the main text until it fits together with the note. It is the last resort: the most important
// information comes first in it.
func (c content) cut(texts map[string]string, note string) {
	if !c.fits(texts, note) {
		texts[c.main] = c.shorten(texts[c.main], c.room-c.size(c.join("", note)))
	}
}

// note says how many alerts are not shown, and what they are about.
func note(more int, names string) string {
	if more == 0 {
		return ""
	}
	text := fmt.Sprintf("…还有 %d 条 (+%d more)", more, more)
	if names != "" {
		text += ": " + names
	}
	return text
}

// nobody is the common part of a message whose recipients are not known yet.
func nobody() *message.SendRequestCommon { return &message.SendRequestCommon{} }

func buildText(texts map[string]string, note string) (message.Request, error) {
	return message.SendTextRequest{SendRequestCommon: nobody(), Text: message.TextField{Content: below(texts[body], note)}}, nil
}

func buildMarkdown(texts map[string]string, note string) (message.Request, error) {
	return message.SendMarkdownRequest{
		SendRequestCommon: nobody(), Markdown: message.MarkdownField{Content: below(texts[body], note)},
	}, nil
}

func buildTextCard(texts map[string]string, note string) (message.Request, error) {
	address := link(texts["url"], message.MaxURLBytes)
	if address == "" {
		return nil, errNoLink
	}
	return message.SendTextCardRequest{SendRequestCommon: nobody(), TextCard: message.TextCardField{
		Title:       shorten(oneLine(texts["title"]), message.MaxTextCardTitleChars),
		Description: belowHTML(texts["description"], note),
		URL:         address,
		BtnTxt:      shorten(texts["btntxt"], message.MaxTextCardButtonChars),
	}}, nil
}

func buildCard(texts map[string]string, note string) (message.Request, error) {
	address := link(texts["url"], message.MaxURLBytes)
	if address == "" {
		return nil, errNoLink
	}
	card := message.TemplateCardField{
		CardType: message.CardTextNotice,
		MainTitle: &message.CardMainTitle{
			Title: shorten(oneLine(texts["title"]), cardTitle), Desc: shorten(oneLine(texts["desc"]), cardDesc),
		},
		SubTitleText:          below(texts["sub_title"], note),
		HorizontalContentList: cardLines(texts["lines"]),
		JumpList:              cardJumps(texts["links"]),
		CardAction:            &message.CardAction{Type: message.JumpURL, URL: address},
	}
	if source := texts["source"]; source != "" {
		card.Source = &message.CardSource{Desc: shorten(oneLine(source), cardSource)}
	}
	if title := texts["emphasis_title"]; title != "" {
		card.EmphasisContent = &message.CardEmphasis{
			Title: shorten(oneLine(title), cardEmphasisTitle), Desc: shorten(oneLine(texts["emphasis_desc"]), cardEmphasisDesc),
		}
	}
	return message.SendTemplateCardRequest{SendRequestCommon: nobody(), TemplateCard: card}, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// cardLines parses lines "key: value". If there are too many, the last one says how many are left out.
func cardLines(text string) []message.CardHorizontalContent {
	var lines []message.CardHorizontalContent
	left := 0
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if n := 0; key == ellipsis && scanned(value, &n) {
			left += n
		} else if key != "" && value != "" {
			lines = append(lines, message.CardHorizontalContent{KeyName: shorten(key, 2*cardKey), Value: shorten(value, cardValue)})
		}
	}
	if most := message.MaxHorizontalContents; len(lines)+min(left, 1) > most {
		left += len(lines) - most + 1
		lines = lines[:most-1]
	}
	if left > 0 {
		lines = append(lines, message.CardHorizontalContent{KeyName: "其他", Value: strings.TrimSpace(others(left))})
	}
	return lines
}

// cardJumps parses lines "title address".
func cardJumps(text string) []message.CardJump {
	var jumps []message.CardJump
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || len(jumps) == message.MaxJumps {
			continue
		}
		if address := link(words[len(words)-1], message.MaxURLBytes); address != "" {
			title := strings.Join(words[:len(words)-1], " ")
			jumps = append(jumps, message.CardJump{Type: message.JumpURL, Title: shorten(title, cardJump), URL: address})
		}
	}
	return jumps
}

// scanned reports whether a value is the number of omitted others, and parses it.
func scanned(value string, left *int) bool {
	_, err := fmt.Sscanf(value, ellipsis+"还有 %d 项", left)
	return err == nil
}
