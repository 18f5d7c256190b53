package pages

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/wecomq/wecomq/internal/appearance"
	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// preview shows a message as it will look in WeCom. Pictures of other hosts are not loaded.
type preview struct {
	Recipient string
	Type      message.Type
	Lines     []appearance.Line // of a text, of markdown or of a textcard
	Card      message.TextCardField
	Articles  []message.NewsArticle
	Video     message.VideoField
	File      string // name of a file
	FileAt    string // its address
	Body      string // JSON of any other message
}

func previewOf(t message.Type, s broadcast.Sample) (preview, error) {
	var m struct {
		Text     message.TextField     `json:"text"`
		Markdown message.MarkdownField `json:"markdown"`
		Card     message.TextCardField `json:"textcard"`
		News     message.NewsField     `json:"news"`
		Video    message.VideoField    `json:"video"`
		File     message.FileField     `json:"file"`
	}
	if err := json.Unmarshal(s.Body, &m); err != nil {
		return preview{}, fmt.Errorf("preview: %w", err)
	}
	v := preview{Recipient: s.Recipient, Type: t, Card: m.Card, Articles: m.News.Articles, Video: m.Video}
	switch t {
	case message.TypeText:
		v.Lines = appearance.Text(m.Text.Content)
	case message.TypeMarkdown:
		v.Lines = appearance.Markdown(m.Markdown.Content)
	case message.TypeTextCard:
		v.Lines = appearance.TextCard(m.Card.Description)
	case message.TypeNews, message.TypeImage, message.TypeVoice, message.TypeVideo:
	case message.TypeFile:
		ref, _ := message.ParseMediaRef(wecom.MediaFile, m.File.MediaID)
		v.File = media.Filename(ref, nil)
	default:
		v.Body = indented(s.Body)
	}
	return v, nil
}

// previewsOf are previews of samples of a broadcast.
func previewsOf(b *broadcast.Broadcast, samples []broadcast.Sample) ([]preview, error) {
	all := make([]preview, len(samples))
	kept := len(b.Spec.Template.MediaRefs()) > 0
	for i, s := range samples {
		var err error
		if all[i], err = previewOf(b.Spec.Template.Type(), s); err != nil {
			return nil, err
		}
		if kept {
			all[i].FileAt = broadcastPath(b.ID) + "/file"
		}
	}
	return all, nil
}

// host is the host of a link or picture.
func host(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return link
	}
	return u.Host
}
