package message

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/wecom"
)

// MediaRef is a file of a message, identified by its content. In place of a media_id, the message has
// "sha256:<64 hex digits>", or "sha256:<64 hex digits>/<name>" for a named file. A worker replaces it by the
// media_id.
type MediaRef struct {
	Kind wecom.MediaType
	Hash string // SHA-256 of the content, 64 hex digits in lower case
	Name string // shown to members, for type file only; may be empty
}

const mediaRefPrefix = "sha256:"

// ParseMediaRef reads a reference. It reports false for anything else, such as a media_id from WeCom.
func ParseMediaRef(kind wecom.MediaType, text string) (MediaRef, bool) {
	rest, ok := strings.CutPrefix(text, mediaRefPrefix)
	if !ok {
		return MediaRef{}, false
	}
	hash, name, named := strings.Cut(rest, "/")
	if _, err := hex.DecodeString(hash); err != nil || len(hash) != 64 || hash != strings.ToLower(hash) {
		return MediaRef{}, false
	}
	if named && (kind != wecom.MediaFile || name == "") {
		return MediaRef{}, false
	}
	return MediaRef{Kind: kind, Hash: hash, Name: name}, true
}

// String is the reference as it appears in a message.
func (r MediaRef) String() string {
	if r.Name == "" {
		return mediaRefPrefix + r.Hash
	}
	return mediaRefPrefix + r.Hash + "/" + r.Name
}

// MediaRefs returns the references of a request, in order and without repeats.
func MediaRefs(request Request) []MediaRef {
	var refs []MediaRef
	_, _ = MapMedia(request, func(_ string, kind wecom.MediaType, id string) (string, error) {
		if ref, ok := ParseMediaRef(kind, id); ok && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
		return id, nil
	})
	return refs
}

// FillMedia returns a copy of an encoded body with refs[i] replaced by ids[i]. Nothing else changes.
func FillMedia(body []byte, refs []MediaRef, ids []string) []byte {
	for i, ref := range refs {
		// Quotes inside strings are escaped, so this only matches a member.
		const member = `media_id":`
		old := member + `"` + ref.String() + `"`
		body = bytes.ReplaceAll(body, []byte(old), []byte(member+strconv.Quote(ids[i])))
	}
	return body
}

// MapMedia returns a copy of the request with each non-empty media_id replaced by the result of replace.
// field is its JSON path, kind the media type that WeCom wants there. It stops at the first error.
func MapMedia(
	request Request, replace func(field string, kind wecom.MediaType, id string) (string, error),
) (Request, error) {
	m := mediaMapper{replace: replace}
	switch r := deref(request).(type) {
	case SendImageRequest:
		m.swap("image.media_id", wecom.MediaImage, &r.Image.MediaID)
		request = r
	case SendVoiceRequest:
		m.swap("voice.media_id", wecom.MediaVoice, &r.Voice.MediaID)
		request = r
	case SendVideoRequest:
		m.swap("video.media_id", wecom.MediaVideo, &r.Video.MediaID)
		request = r
	case SendFileRequest:
		m.swap("file.media_id", wecom.MediaFile, &r.File.MediaID)
		request = r
	case SendMpNewsRequest:
		r.MpNews.Articles = slices.Clone(r.MpNews.Articles)
		for i := range r.MpNews.Articles {
			m.swap(item("mpnews.articles", i, "thumb_media_id"), wecom.MediaImage, &r.MpNews.Articles[i].ThumbMediaID)
		}
		request = r
	case RawRequest:
		r.Members = m.mapRaw("", mediaKinds[r.Type()], r.Members)
		request = r
	case SendTemplateCardRequest:
		r.TemplateCard.HorizontalContentList = slices.Clone(r.TemplateCard.HorizontalContentList)
		for i := range r.TemplateCard.HorizontalContentList {
			m.swap(item("template_card.horizontal_content_list", i, "media_id"), wecom.MediaFile,
				&r.TemplateCard.HorizontalContentList[i].MediaID)
		}
		request = r
	}
	return request, m.err
}

func item(list string, i int, member string) string {
	return list + "[" + strconv.Itoa(i) + "]." + member
}

type mediaMapper struct {
	replace func(field string, kind wecom.MediaType, id string) (string, error)
	err     error // the first
}

func (m *mediaMapper) swap(field string, kind wecom.MediaType, id *string) {
	if *id == "" || m.err != nil {
		return
	}
	if replaced, err := m.replace(field, kind, *id); err != nil {
		m.err = err
	} else {
		*id = replaced
	}
}

// deref turns a pointer to one of this package's requests into the request.
func deref(request Request) Request {
	if isNil(request) || request.Common() == nil || reflect.TypeOf(request).Kind() != reflect.Pointer {
		return request
	}
	return request.with(request.Common())
}
