package compose

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/wecomq/wecomq/message"
)

// maxTemplateBytes is the largest body with templates in it. A body without any may have
// [message.MaxBodyBytes], like any message.
const maxTemplateBytes = 1 << 20

// Template is a message whose strings may be Go text/templates over the columns of a list. It is immutable
// and safe for concurrent use.
//
// A template may use the columns ({{.name}}, {{$.name}}, {{index . "first name"}}), if, else, with,
// variables, comments, and the functions and, or, not, eq, ne, lt, le, gt, ge, len, html and urlquery. There
// are no loops, so that the time of a rendering is proportional to the template.
type Template struct {
	source    []byte
	msgType   message.Type
	columns   []string
	renderers sync.Pool // of *renderer
}

// ParseTemplate reads message/send JSON without recipients. It is as strict as [message.Parse]. Problems of
// the message or of a template in it that do not depend on a row are a [*message.ValidationError] that names
// the JSON path: "text.content: line 1: …".
func ParseTemplate(body []byte) (*Template, error) {
	request, err := message.Parse(body)
	if err != nil {
		return nil, err
	}
	if err := refuseRecipients(request.Common()); err != nil {
		return nil, err
	}
	source, err := message.Encode(request)
	if err != nil {
		return nil, err
	}
	t := &Template{source: source, msgType: request.Type()}
	first, err := newRenderer(request)
	if err != nil {
		return nil, err
	}
	if len(first.slots) > 0 && len(source) > maxTemplateBytes {
		return nil, fmt.Errorf("the template has %d bytes, %d more than the limit of %d", len(source), len(source)-maxTemplateBytes, maxTemplateBytes)
	}
	if err := first.checkFixed(); err != nil {
		return nil, err
	}
	t.columns = first.columns
	t.renderers.Put(first)
	return t, nil
}

// TextTemplate is the template of a text or markdown message with this content. A leading byte order mark, as
// written by Windows, is removed.
func TextTemplate(msgType message.Type, content string) (*Template, error) {
	if msgType != message.TypeText && msgType != message.TypeMarkdown {
		return nil, &message.ValidationError{Fields: []message.FieldError{
			{Field: "msgtype", Problem: fmt.Sprintf("%q; a text alone makes a message of type %s or %s", msgType, message.TypeText, message.TypeMarkdown)},
		}}
	}
	content = strings.TrimPrefix(content, "\uFEFF")
	if !utf8.ValidString(content) {
		return nil, &message.ValidationError{Fields: []message.FieldError{{Field: string(msgType) + ".content", Problem: "not UTF-8; save the text as UTF-8"}}}
	}
	body, err := json.Marshal(map[string]any{"msgtype": msgType, string(msgType): map[string]string{"content": content}})
	if err != nil {
		return nil, fmt.Errorf("encode template: %w", err)
	}
	return ParseTemplate(body)
}

// Text is [TextTemplate] for content that is sent verbatim, including braces.
func Text(msgType message.Type, content string) (*Template, error) {
	return TextTemplate(msgType, strings.ReplaceAll(content, "{{", `{{"{{"}}`))
}

// Map applies change to the message with its templates, and returns the template of the result.
func (t *Template) Map(change func(message.Request) (message.Request, error)) (*Template, error) {
	request, err := message.Parse(t.source)
	if err != nil {
		return nil, fmt.Errorf("read the template again: %w", err)
	}
	if request, err = change(request); err != nil {
		return nil, err
	}
	body, err := message.Encode(request)
	if err != nil {
		return nil, err
	}
	return ParseTemplate(body)
}

// refuseRecipients rejects recipients in the message: the list has them.
func refuseRecipients(common *message.SendRequestCommon) error {
	var found []message.FieldError
	for _, member := range []struct{ name, value string }{
		{"touser", common.ToUser},
		{"toparty", common.ToParty},
		{"totag", common.ToTag},
	} {
		if member.value != "" {
			found = append(found, message.FieldError{Field: member.name, Problem: "the list has the recipients; remove it"})
		}
	}
	if found == nil {
		return nil
	}
	return &message.ValidationError{Fields: found}
}

// Type is the msgtype of the message.
func (t *Template) Type() message.Type { return t.msgType }

// Columns returns the columns that the template uses, sorted.
func (t *Template) Columns() []string { return slices.Clone(t.columns) }

// MediaRefs returns the files that the message refers to; all recipients get the same.
func (t *Template) MediaRefs() []message.MediaRef {
	request, err := message.Parse(t.source)
	if err != nil { // impossible: it has been parsed before
		return nil
	}
	return message.MediaRefs(request)
}

// Static reports whether all recipients get the same text: the template uses no column.
func (t *Template) Static() bool { return len(t.columns) == 0 }

// Source is the template as canonical JSON, which [ParseTemplate] reads.
func (t *Template) Source() []byte { return slices.Clone(t.source) }

// MarshalJSON is [Template.Source].
func (t *Template) MarshalJSON() ([]byte, error) { return t.source, nil }

// UnmarshalJSON is [ParseTemplate]. It must not be called on a template in use.
func (t *Template) UnmarshalJSON(source []byte) error {
	parsed, err := ParseTemplate(source)
	if err != nil {
		return err
	}
	t.source, t.msgType, t.columns = parsed.source, parsed.msgType, parsed.columns
	return nil
}

// Render returns the body for a row, without recipients: canonical JSON, the same bytes for the same values,
// given in the order of [Template.Columns]. A rendering that WeCom would refuse or cut is a
// [*message.ValidationError].
func (t *Template) Render(values []string) ([]byte, error) { return t.body(values, nil) }

// Body is [Template.Render] with the recipients of the call, as posted to WeCom.
func (t *Template) Body(call Call) ([]byte, error) { return t.body(call.Columns, call.Users) }

func (t *Template) body(values, users []string) ([]byte, error) {
	if len(values) != len(t.columns) {
		return nil, fmt.Errorf("render: %d values for the template's %d columns", len(values), len(t.columns))
	}
	r, err := t.renderer()
	if err != nil {
		return nil, err
	}
	defer t.renderers.Put(r)
	if err := r.render(values); err != nil {
		return nil, err
	}
	return message.Encode(message.WithRecipients(r.request, message.Recipients{Users: users}))
}

// renderer returns a renderer for exclusive use.
func (t *Template) renderer() (*renderer, error) {
	if r, ok := t.renderers.Get().(*renderer); ok {
		return r, nil
	}
	request, err := message.Parse(t.source)
	if err != nil {
		return nil, fmt.Errorf("read the template again: %w", err)
	}
	return newRenderer(request)
}
