package message

// SendVideoRequest is an uploaded MP4 (90236).
type SendVideoRequest struct {
	*SendRequestCommon
	Video VideoField `json:"video"`
}

// VideoField is the content of a video message.
type VideoField struct {
	// MediaID is from an upload of type video, at most 3 days old (90253).
	MediaID string `json:"media_id"`
	// Title has at most [MaxTitleBytes].
	Title string `json:"title,omitempty"`
	// Description has at most [MaxDescriptionBytes].
	Description string `json:"description,omitempty"`
}

// Type is [TypeVideo].
func (SendVideoRequest) Type() Type { return TypeVideo }

func (r SendVideoRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendVideoRequest) check(c checker) {
	c.checkSafe(r.Safe, confidential)
	c = c.at("video")
	c.required("media_id", r.Video.MediaID)
	c.maxBytes("title", r.Video.Title, MaxTitleBytes, cuts)
	c.maxBytes("description", r.Video.Description, MaxDescriptionBytes, cuts)
}
