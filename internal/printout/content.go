package printout

import (
	"slices"
	"strings"

	"github.com/wecomq/wecomq/message"
)

// Content is the readable content of a message made from a webhook.
func Content(request message.Request) string {
	switch r := request.(type) {
	case message.SendTextRequest:
		return r.Text.Content
	case message.SendMarkdownRequest:
		return r.Markdown.Content
	case message.SendTextCardRequest:
		return strings.Join([]string{r.TextCard.Title, r.TextCard.Description, r.TextCard.URL}, "\n")
	case message.SendTemplateCardRequest:
		return readableCard(r.TemplateCard)
	}
	return ""
}

// readableCard lists the texts of a card, from top to bottom.
func readableCard(card message.TemplateCardField) string {
	var lines []string
	if card.Source != nil {
		lines = append(lines, card.Source.Desc)
	}
	lines = append(lines, card.MainTitle.Title, card.MainTitle.Desc)
	if card.EmphasisContent != nil {
		lines = append(lines, card.EmphasisContent.Title, card.EmphasisContent.Desc)
	}
	lines = append(lines, card.SubTitleText)
	for _, line := range card.HorizontalContentList {
		lines = append(lines, line.KeyName+": "+line.Value)
	}
	for _, jump := range card.JumpList {
		lines = append(lines, jump.Title+" "+jump.URL)
	}
	lines = append(lines, card.CardAction.URL)
	return strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n")
}
