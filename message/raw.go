package message

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/wecomq/wecomq/wecom"
)

// RawRequest is a message that is passed to WeCom as written: its msgtype or some of its members are unknown
// to this package. Only the members common to all messages are parsed, and checked by [Validate].
type RawRequest struct {
	*SendRequestCommon
	// Members is a JSON object: the content, under the name of the msgtype, and all other members that are
	// not in SendRequestCommon.
	Members json.RawMessage `json:"-"`
}

// Type is the MsgType.
func (r RawRequest) Type() Type { return Type(r.MsgType) }

func (r RawRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r RawRequest) check(c checker) { c.required("msgtype", r.MsgType) }

// MarshalJSON writes the common members first, like every other request.
func (r RawRequest) MarshalJSON() ([]byte, error) {
	rest := bytes.TrimSpace(r.Members)
	if len(rest) < 2 || rest[0] != '{' {
		return nil, errors.New("message: Members is not a JSON object")
	}
	if r.SendRequestCommon == nil {
		return rest, nil
	}
	common, err := marshal(r.SendRequestCommon)
	if err != nil {
		return nil, err
	}
	rest = append([]byte{'{'}, bytes.TrimSpace(rest[1:])...)
	return join(common, rest), nil
}

// ParseRaw reads a body of any content. Members common to all messages are checked as by [Parse]. null means
// absent.
func ParseRaw(data []byte) (RawRequest, error) {
	if err := checkObject(data); err != nil {
		return RawRequest{}, fmt.Errorf("parse message: %w", err)
	}
	request := RawRequest{SendRequestCommon: new(SendRequestCommon)}
	d := decoder{lenient: true}
	d.value(reflect.ValueOf(request.SendRequestCommon).Elem(), bytes.TrimSpace(data))
	if request.MsgType == "" && len(d.found) == 0 {
		d.found = []FieldError{{Field: "msgtype", Problem: "missing"}}
	}
	if err := asError(d.found); err != nil {
		return RawRequest{}, err
	}
	common := fieldsOf(reflect.TypeFor[SendRequestCommon]())
	rest := []byte{'{'}
	for m := range members(data) {
		name, _ := unquote(data[m.name:m.nameEnd])
		if _, known := common[name]; known || string(data[m.value:m.valueEnd]) == "null" {
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(append(append(rest, data[m.name:m.nameEnd]...), ':'), data[m.value:m.valueEnd]...)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, append(rest, '}')); err != nil {
		return RawRequest{}, fmt.Errorf("parse message: %w", err)
	}
	request.Members = compact.Bytes()
	return request, nil
}

// ParseOpen is [Parse] for a body that may have members unknown to this package; the known ones are checked.
// With unknown members or an unknown msgtype the result is a [RawRequest] that keeps all of them.
func ParseOpen(data []byte) (Request, error) {
	request, err := Parse(data)
	if err == nil || len(Unknown(data)) == 0 {
		return request, err
	}
	raw, err := ParseRaw(data)
	if err != nil {
		return nil, err
	}
	if _, known := prototype(raw.Type()); !known {
		return raw, nil
	}
	typed, err := ParseLenient(data)
	if err == nil {
		err = ValidateContent(typed)
	}
	return raw, err
}

// Unknown lists the paths of members that this package does not know, at most 20; an unknown msgtype is
// listed as "msgtype". The contents of other msgtypes are known.
func Unknown(data []byte) []string {
	empty, err := blank(data)
	if err != nil {
		return []string{"msgtype"}
	}
	var unknown []string
	d := decoder{found: nil, report: func(path string) {
		if len(unknown) < maxProblems {
			unknown = append(unknown, path)
		}
	}}
	target := reflect.New(reflect.TypeOf(empty)).Elem()
	target.Set(reflect.ValueOf(empty))
	d.value(target, bytes.TrimSpace(data))
	return unknown
}

// mediaKinds maps message types to the media type that WeCom wants in them.
var mediaKinds = map[Type]wecom.MediaType{
	TypeImage: wecom.MediaImage, TypeVoice: wecom.MediaVoice, TypeVideo: wecom.MediaVideo, TypeFile: wecom.MediaFile,
	TypeMpNews: wecom.MediaImage, TypeTemplateCard: wecom.MediaFile,
}

// mapRaw replaces the media_ids below a value of a raw message.
func (m *mediaMapper) mapRaw(path string, kind wecom.MediaType, raw []byte) []byte {
	switch {
	case !bytes.Contains(raw, []byte(`media_id"`)):
		return raw
	case raw[0] == '[':
		list := []byte{'['}
		i := 0
		for value := range items(raw) {
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, m.mapRaw(fmt.Sprintf("%s[%d]", path, i), kind, value)...)
			i++
		}
		return append(list, ']')
	case raw[0] == '{':
		return m.mapMembers(path, kind, raw)
	}
	return raw
}

func (m *mediaMapper) mapMembers(path string, kind wecom.MediaType, raw []byte) []byte {
	object := []byte{'{'}
	for s := range members(raw) {
		if len(object) > 1 {
			object = append(object, ',')
		}
		name, _ := unquote(raw[s.name:s.nameEnd])
		value := raw[s.value:s.valueEnd]
		at := strings.TrimPrefix(path+"."+name, ".")
		if id, _ := unquoted(value); id != "" && (name == "media_id" || name == "thumb_media_id") {
			m.swap(at, kind, &id)
			value, _ = json.Marshal(id) // a string can always be marshalled
		} else {
			value = m.mapRaw(at, kind, value)
		}
		object = append(append(append(object, raw[s.name:s.nameEnd]...), ':'), value...)
	}
	return append(object, '}')
}

// unquoted returns the text of a JSON string; ok is false for any other value.
func unquoted(raw []byte) (string, bool) {
	if raw[0] != '"' {
		return "", false
	}
	return unquote(raw)
}
