package wecomtest

import (
	"errors"
	"io"
	"mime/multipart"
	"slices"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/wecom"
)

var mediaTypes = []string{"image", "voice", "video", "file"}

// minUpload is the size in bytes that a file must exceed (page 90253).
const minUpload = 5

// uploadLimit is the largest file of a type in bytes (page 90253), and the code for a larger one.
var uploadLimit = map[string]struct {
	size int64
	code wecom.Code
}{
	"image": {10 << 20, 40009},
	"voice": {2 << 20, 45001},
	"video": {10 << 20, 40011},
	"file":  {20 << 20, 45001},
}

// mediaKey identifies a media_id, which the apps of one company share.
type mediaKey struct{ corpID, mediaID string }

type upload struct {
	kind    string
	expires time.Time
}

type uploadReply struct {
	status
	Type      string `json:"type"`
	MediaID   string `json:"media_id"`
	CreatedAt string `json:"created_at"` // Unix seconds, as a string
}

// set leaves errmsg empty on success, as observed from media/upload.
func (u *uploadReply) set(code wecom.Code, msg string) {
	if code == 0 {
		msg = ""
	}
	u.status.set(code, msg)
}

// uploadMedia serves media/upload (page 90253). The file is measured, not stored.
func (s *Simulator) uploadMedia(c *call) (reply, error) {
	kind := c.r.URL.Query().Get("type")
	if !slices.Contains(mediaTypes, kind) {
		return nil, wecom.Code(40005)
	}
	size, err := measureUpload(c)
	if err != nil {
		return nil, err
	}
	switch limit := uploadLimit[kind]; {
	case size == 0:
		return nil, wecom.Code(44001)
	case size <= minUpload:
		return nil, wecom.Code(40006)
	case size > limit.size:
		return nil, limit.code
	}
	id := nonce(48)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.stats.Uploads++
	s.media.put(mediaKey{c.app.corpID, id}, upload{kind: kind, expires: now.Add(time.Duration(c.dir.rules.MediaTTL))})
	return &uploadReply{Type: kind, MediaID: id, CreatedAt: strconv.FormatInt(now.Unix(), 10)}, nil
}

// ExpireMedia expires every media_id: a message with one gets 40007.
func (s *Simulator) ExpireMedia() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, file := range s.media.values {
		file.expires = time.Time{}
		s.media.values[key] = file
	}
}

// measureUpload returns the size of the part named media, 0 if there is none.
func measureUpload(c *call) (int64, error) {
	parts, err := c.r.MultipartReader()
	if err != nil {
		return 0, nil //nolint:nilerr // no multipart body is a body without the file
	}
	for {
		var part *multipart.Part
		part, err = parts.NextPart()
		if errors.Is(err, io.EOF) {
			return 0, nil
		}
		if err != nil {
			return 0, refuse(40058, "multipart body broken")
		}
		if part.FormName() != "media" {
			continue
		}
		size, err := io.Copy(io.Discard, part)
		if err != nil {
			return 0, refuse(40058, "multipart body broken")
		}
		return size, nil
	}
}

// checkMedia refuses an unknown or expired media_id, or one of another type.
func (s *Simulator) checkMedia(c *call, id, kind string) error {
	if fixed, ok := c.dir.rules.Media[id]; ok {
		if fixed != kind {
			return wecom.Code(40007)
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	file, ok := s.media.get(mediaKey{c.app.corpID, id})
	switch {
	case !ok && c.dir.rules.StrictMedia:
		return wecom.Code(40007)
	case ok && (file.kind != kind || !s.now().Before(file.expires)):
		return wecom.Code(40007)
	}
	return nil
}
