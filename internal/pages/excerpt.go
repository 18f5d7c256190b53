package pages

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/wecomq/wecomq/tasks"
)

// excerptRunes is how many characters of a text a row shows.
const excerptRunes = 80

// line is a message in a list.
type line struct {
	tasks.Record

	Text string // its beginning, while the payload exists
}

// lines adds the beginning of each message, with one round trip per app.
func lines(ctx context.Context, apps []*watched, records []tasks.Record) ([]line, error) {
	all := make([]line, len(records))
	for i, r := range records {
		all[i].Record = r
	}
	for _, app := range apps {
		var mine []tasks.Record
		for _, r := range records {
			if r.App == app.Name {
				mine = append(mine, r)
			}
		}
		if len(mine) == 0 {
			continue
		}
		payloads, err := app.Finder.Payloads(ctx, mine)
		if err != nil {
			return nil, err
		}
		for i, r := range records {
			if p, ok := payloads[r.ID]; ok && r.App == app.Name {
				all[i].Text = excerpt(p)
			}
		}
	}
	return all, nil
}

// excerpt is the beginning of a message's content, "" if it has no text.
func excerpt(p tasks.Payload) string {
	var body map[string]json.RawMessage
	var content struct {
		Content     string `json:"content"`
		Title       string `json:"title"`
		Description string `json:"description"`
		MainTitle   struct {
			Title string `json:"title"`
		} `json:"main_title"`
		Articles []struct {
			Title string `json:"title"`
		} `json:"articles"`
	}
	if json.Unmarshal(p.Body, &body) != nil || json.Unmarshal(body[string(p.Type)], &content) != nil {
		return ""
	}
	texts := []string{content.Content, content.Title, content.MainTitle.Title, content.Description}
	for _, article := range content.Articles {
		texts = append(texts, article.Title)
	}
	for _, text := range texts {
		if runes := []rune(strings.Join(strings.Fields(text), " ")); len(runes) > excerptRunes {
			return string(runes[:excerptRunes]) + "…"
		} else if len(runes) > 0 {
			return string(runes)
		}
	}
	return ""
}
