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

// draftForm is the form for writing a broadcast: its fields by name.
type draftForm map[string]string

// draftFields are the names of the fields. The list comes after them, so that it can be checked while it arrives.
var draftFields = []string{
	"key", "app", "type", "content", "title", "description", "url", "button", "picture", "media", "media_type",
	"at", "rate", "hours", "expires_in", "encoding", "header", "approval", "skip",
}

// draftTypes are the types of message that the form can write.
var draftTypes = []message.Type{
	message.TypeText, message.TypeMarkdown, message.TypeTextCard, message.TypeNews,
	message.TypeImage, message.TypeVoice, message.TypeVideo, message.TypeFile,
}

// kindOf is WeCom's type of a message's file; "" for a type without one.
func kindOf(t message.Type) wecom.MediaType {
	switch t {
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

// accepted are the file types that a browser offers.
var accepted = map[wecom.MediaType]string{
	wecom.MediaImage: "image/jpeg,image/png", wecom.MediaVoice: ".amr,audio/amr", wecom.MediaVideo: ".mp4,video/mp4",
}

// media is WeCom's type of the form's file; "" for a type without one.
func (f draftForm) media() wecom.MediaType { return kindOf(message.Type(f["type"])) }

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

// file is the content of a message that consists of a file.
func (f draftForm) file() (any, error) {
	kind := f.media()
	switch {
	case kind == "":
		return nil, fmt.Errorf("type: %q is not one that this form can write", f["type"])
	case f["media"] == "", f["media_type"] != f["type"]:
		return nil, errors.New("file: missing; choose one")
	case kind == wecom.MediaFile:
		return message.FileField{MediaID: literal(f["media"])}, nil
	}
	id, _, _ := strings.Cut(f["media"], "/") // without the file's name
	if kind == wecom.MediaVideo {
		return message.VideoField{MediaID: id, Title: f["title"], Description: f["description"]}, nil
	}
	return message.ImageField{MediaID: id}, nil // that of a voice is the same
}

// braces are two braces in a template. Unlike those of [compose.Text] they contain no quotation marks, which the
// name of a file cannot have.
const braces = "{{`{{`}}"

// literal is a template that writes a text unchanged, and plain the text of such a template.
func literal(text string) string   { return strings.ReplaceAll(text, "{{", braces) }
func plain(template string) string { return strings.ReplaceAll(template, braces, "{{") }

// spec is the content of the form except the list. Its hours are in zone.
func (f draftForm) spec(creator string, zone *time.Location, now time.Time) (broadcast.Spec, error) {
	template, templateErr := f.template()
	s := broadcast.Spec{Template: template, NeedsApproval: f["approval"] != "", CreatedBy: creator}
	var atErr, rateErr, hoursErr, expiryErr error
	s.At, atErr = f.at(now)
	if f["rate"] != "" {
		if s.Rate, rateErr = strconv.Atoi(f["rate"]); rateErr != nil || s.Rate < 1 {
			rateErr = fmt.Errorf("rate: %q is not a number of recipients a minute", f["rate"])
		}
	}
	if f["hours"] != "" {
		s.Between, hoursErr = broadcast.ParseHours(f["hours"], zone)
	}
	if f["expires_in"] != "" {
		if s.ExpiresIn, expiryErr = time.ParseDuration(f["expires_in"]); expiryErr != nil || s.ExpiresIn <= 0 {
			expiryErr = fmt.Errorf("expires_in: %.80q is not a duration such as 90m or 48h", f["expires_in"])
		}
	}
	_, optionsErr := f.options()
	return s, errors.Join(templateErr, atErr, rateErr, hoursErr, expiryErr, optionsErr)
}

// at is when the broadcast starts.
func (f draftForm) at(now time.Time) (time.Time, error) {
	if f["at"] == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation("2006-01-02T15:04", f["at"], china)
	switch {
	case err != nil:
		return at, fmt.Errorf("at: %q is not a time such as 2006-01-02T15:04", f["at"])
	case !at.After(now):
		return at, fmt.Errorf("at: %s has passed", moment(at))
	}
	return at, nil
}

// options are the options for reading the list.
func (f draftForm) options() (compose.Options, error) {
	order := broadcast.Order{Encoding: f["encoding"], Header: f["header"], SkipInvalid: f["skip"] != ""}
	return order.Options()
}

// Unusual reports whether the form uses one of the fields that are collapsed.
func (f draftForm) Unusual() bool {
	return f["expires_in"] != "" || f["encoding"] != "" || f["header"] != "" && f["header"] != "auto"
}
