package message

// SendVoiceRequest is an uploaded AMR recording (90236).
type SendVoiceRequest struct {
	*SendRequestCommon
	Voice VoiceField `json:"voice"`
}

// VoiceField is the content of a voice message.
type VoiceField struct {
	// MediaID is from an upload of type voice, at most 3 days old (90253).
	MediaID string `json:"media_id"`
}

// Type is [TypeVoice].
func (SendVoiceRequest) Type() Type { return TypeVoice }

func (r SendVoiceRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendVoiceRequest) check(c checker) {
	c.checkSafe(r.Safe, open)
	c.at("voice").required("media_id", r.Voice.MediaID)
}
