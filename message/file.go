package message

// SendFileRequest is an uploaded file (90236). Members see the name it was
// uploaded with.
type SendFileRequest struct {
	*SendRequestCommon
	File FileField `json:"file"`
}

// FileField is the content of a file message.
type FileField struct {
	// MediaID is from an upload of type file, at most 3 days old (90253).
	MediaID string `json:"media_id"`
}

// Type is [TypeFile].
func (SendFileRequest) Type() Type { return TypeFile }

func (r SendFileRequest) with(c *SendRequestCommon) Request { r.SendRequestCommon = c; return r }

func (r SendFileRequest) check(c checker) {
	c.checkSafe(r.Safe, confidential)
	c.at("file").required("media_id", r.File.MediaID)
}
