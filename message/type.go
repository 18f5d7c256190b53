package message

import "slices"

// Type is a msgtype of message/send (90236). The content of a message is in the member named after its type.
type Type string

// The types this package knows.
const (
	TypeText              Type = "text"
	TypeImage             Type = "image"
	TypeVoice             Type = "voice"
	TypeVideo             Type = "video"
	TypeFile              Type = "file"
	TypeTextCard          Type = "textcard"
	TypeNews              Type = "news"
	TypeMpNews            Type = "mpnews"
	TypeMarkdown          Type = "markdown"
	TypeMiniProgramNotice Type = "miniprogram_notice"
	TypeTemplateCard      Type = "template_card"
)

// Types lists the types this package knows.
func Types() []Type {
	types := make([]Type, len(prototypes))
	for i, p := range prototypes {
		types[i] = p.Type()
	}
	return types
}

// prototypes has one empty request of every type.
var prototypes = []Request{
	SendTextRequest{},
	SendImageRequest{},
	SendVoiceRequest{},
	SendVideoRequest{},
	SendFileRequest{},
	SendTextCardRequest{},
	SendNewsRequest{},
	SendMpNewsRequest{},
	SendMarkdownRequest{},
	SendMiniProgramNoticeRequest{},
	SendTemplateCardRequest{},
}

// prototype returns an empty request of type t.
func prototype(t Type) (Request, bool) {
	i := slices.IndexFunc(prototypes, func(p Request) bool { return p.Type() == t })
	if i < 0 {
		return nil, false
	}
	return prototypes[i], true
}
