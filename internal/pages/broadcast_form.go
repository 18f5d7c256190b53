package pages

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// draftForm is the form in which a broadcast is written: its fields by name.
type draftForm map[string]string

// draftFields are the names of the fields. The list comes after them, so that it can be
// checked while it arrives.
var draftFields = []string{
	"key", "app", "type", "content", "title", "description", "url", "button", "picture", "media", "media_type", "at", "rate", "hours", "approval", "skip",
}

// draftTypes are the types of message that the form can write.
var draftTypes = []message.Type{
	message.TypeText, message.TypeMarkdown, message.TypeTextCard, message.TypeNews,
	message.TypeImage, message.TypeVoice, message.TypeVideo, message.TypeFile,
}

// media is what WeCom takes the file of the form for; "" for a type without one.
func (f draftForm) media() wecom.MediaType {
	switch message.Type(f["type"]) {
	case message.TypeImage:
		return wecom.MediaImage
	case message.TypeVoice:
		return wecom.MediaVoice
	case message.TypeVideo:
		return wecom.MediaVideo
	case message.TypeFile:
		return wecom.MediaFile
	default:
		return ""
	}
}

// template is the message.
func (f draftForm) template() (*compose.Template, error) {
	var content any
	t := message.Type(f["type"])
	switch t {
	case message.TypeText, message.TypeMarkdown:
		return compose.TextTemplate(t, f["content"])
	case message.TypeTextCard:
		content = message.TextCardField{Title: f["title"], Description: f["description"], URL: f["url"], BtnTxt: f["button"]}
	case message.TypeNews:
		content = message.NewsField{Articles: []message.NewsArticle{
			{Title: f["title"], Description: f["description"], URL: f["url"], PicURL: f["picture"]},
		}}
	default:
		var err error
		if content, err = f.file(); err != nil {
			return nil, err
		}
	}
	body, err := json.Marshal(map[string]any{"msgtype": t, string(t): content})
	if err != nil {
		return nil, fmt.Errorf("encode template: %w", err)
	}
	return compose.ParseTemplate(body)
}

// file is the content of a message that is one.
func (f draftForm) file() (any, error) {
	kind := f.media()
	switch {
	case kind == "":
		return nil, fmt.Errorf("type: %q is none that this form can write", f["type"])
	case f["media"] == "", f["media_type"] != f["type"]:
		return nil, errors.New("file: missing; choose one")
	case kind == wecom.MediaFile:
		return message.FileField{MediaID: f["media"]}, nil
	}
	id, _, _ := strings.Cut(f["media"], "/") // without the name that it had as a file
	if kind == wecom.MediaVideo {
		return message.VideoField{MediaID: id, Title: f["title"], Description: f["description"]}, nil
	}
	return message.ImageField{MediaID: id}, nil // that of a voice is the same
}

// spec is what the form says but for the list. Its hours are in zone.
func (f draftForm) spec(creator string, zone *time.Location, now time.Time) (broadcast.Spec, error) {
	template, templateErr := f.template()
	s := broadcast.Spec{Template: template, NeedsApproval: f["approval"] != "", CreatedBy: creator}
	var atErr, rateErr, hoursErr error
	if f["at"] != "" {
		s.At, atErr = time.ParseInLocation("2006-01-02T15:04", f["at"], china)
		switch {
		case atErr != nil:
			atErr = fmt.Errorf("at: %q is not a time such as 2006-01-02T15:04", f["at"])
		case !s.At.After(now):
			atErr = fmt.Errorf("at: %s has passed", moment(s.At))
		}
	}
	if f["rate"] != "" {
		if s.Rate, rateErr = strconv.Atoi(f["rate"]); rateErr != nil || s.Rate < 1 {
			rateErr = fmt.Errorf("rate: %q is not a number of recipients a minute", f["rate"])
		}
	}
	if f["hours"] != "" {
		s.Between, hoursErr = broadcast.ParseHours(f["hours"], zone)
	}
	return s, errors.Join(templateErr, atErr, rateErr, hoursErr)
}
