package message

// SendImageRequest is an uploaded picture (90236).
type SendImageRequest struct {
	*SendRequestCommon
	Image ImageField `json:"image"`
}

// ImageField is the content of an image message.
type ImageField struct {
	// MediaID is from an upload of type image, at most 3 days old (90253).
	MediaID string `json:"media_id"`
}

// Type is [TypeImage].
func (SendImageRequest) Type() Type { return TypeImage }

func (r SendImageRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendImageRequest) check(c checker) {
	c.checkSafe(r.Safe, confidential)
	c.at("image").required("media_id", r.Image.MediaID)
}
