package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/wecomq/wecomq/internal/envelope"
	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
)

// messageMember is WeCom's member that names the one with the content.
const messageMember = "msgtype"

// messageBody documents the JSON of a message: a schema for each msgtype, and the samples as
// examples.
func messageBody(schemas huma.Registry) *huma.RequestBody {
	union := &huma.Schema{
		Description:   "WeCom's message/send JSON plus wecomq's own members. Other msgtypes are accepted with allow_unknown",
		Discriminator: &huma.Discriminator{PropertyName: messageMember, Mapping: map[string]string{}},
	}
	examples := map[string]*huma.Example{}
	for _, sample := range samples.Messages() {
		request, name := sampleOf(sample)
		examples[name] = &huma.Example{Summary: "A " + strings.ReplaceAll(name, "_", " "), Value: json.RawMessage(sample)}
		kind := string(request.Type())
		if union.Discriminator.Mapping[kind] != "" {
			continue // another card
		}
		ref := messageSchema(schemas, request)
		union.Discriminator.Mapping[kind] = ref
		union.OneOf = append(union.OneOf, &huma.Schema{Ref: ref})
	}
	schemas.Map()["Message"] = union
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{Ref: schemaPrefix + "Message"}, Examples: examples},
	}}
}

// sampleOf reads a sample and names it: by its msgtype, a card by its card_type.
func sampleOf(text string) (message.Request, string) {
	request, err := message.Parse([]byte(text))
	if err != nil {
		panic(fmt.Errorf("sample: %w", err)) //nolint:forbidigo // it is part of the program, and a test sends each
	}
	if card, ok := request.(message.SendTemplateCardRequest); ok {
		return request, string(card.TemplateCard.CardType)
	}
	return request, string(request.Type())
}

// messageSchema adds the schema of a msgtype and returns its reference.
func messageSchema(schemas huma.Registry, request message.Request) string {
	content := contentOf(request)
	members := maps.Clone(commonMembers())
	members[messageMember] = &huma.Schema{
		Type: huma.TypeString, Description: "Its content is in the member of the same name", Enum: []any{string(request.Type())},
	}
	members[string(request.Type())] = schemas.Schema(content.Type, true, content.Name)
	name := content.Name + "Message"
	schemas.Map()[name] = &huma.Schema{
		Type: huma.TypeObject, Properties: members, Required: []string{messageMember, string(request.Type())}, AdditionalProperties: true,
	}
	return schemaPrefix + name
}

// contentOf is the field that has the content of a request.
func contentOf(request message.Request) reflect.StructField {
	t := reflect.TypeOf(request)
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == string(request.Type()) {
			return field
		}
	}
	panic(fmt.Sprintf("%s has no content", t)) //nolint:forbidigo // a programming error, which every test of the gateway meets
}

// commonMembers are the members that every message may have.
func commonMembers() map[string]*huma.Schema {
	text := func(doc, example string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: doc, Examples: []any{example}}
	}
	number := func(doc string, values ...any) *huma.Schema {
		return &huma.Schema{Type: huma.TypeInteger, Description: doc, Enum: values}
	}
	members := map[string]*huma.Schema{
		"touser":                   text("userids joined by |, or @all; any number, split where needed", "zhangsan|lisi"),
		"toparty":                  text("department ids joined by |", "2"),
		"totag":                    text("tag ids joined by |", "3"),
		"agentid":                  {Type: huma.TypeInteger, Description: "That of the app; may be left out"},
		"safe":                     number("1: confidential; 2: stays inside the corporation, mpnews only", 0, 1, 2),
		"enable_id_trans":          number("1: replaces $userName=ID$ and the like", 0, 1),
		"enable_duplicate_check":   number("1: the same message within duplicate_check_interval goes out once", 0, 1),
		"duplicate_check_interval": number("In seconds; 1800 if left out"),
	}
	for _, m := range envelope.Members() {
		members[m.Name] = text(m.Doc, m.Example)
		switch {
		case m.Values != nil:
			members[m.Name] = &huma.Schema{Type: huma.TypeString, Description: m.Doc, Enum: enumOf(m.Values)}
		case m.Boolean:
			members[m.Name] = &huma.Schema{Type: huma.TypeBoolean, Description: m.Doc}
		}
	}
	return members
}
