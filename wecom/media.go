package wecom

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// MediaType is the kind of a temporary media file (90253).
type MediaType string

// The media types WeCom knows.
const (
	MediaImage MediaType = "image" // JPG or PNG, 10 MB
	MediaVoice MediaType = "voice" // AMR, 2 MB, 60 s
	MediaVideo MediaType = "video" // MP4, 10 MB
	MediaFile  MediaType = "file"  // anything, 20 MB
)

const (
	apiMediaUpload = "media/upload"
	minMediaBytes  = 6 // "more than 5 bytes" (90253)
	mebibyte       = 1 << 20
)

var maxMediaBytes = map[MediaType]int{
	MediaImage: 10 * mebibyte, MediaVoice: 2 * mebibyte, MediaVideo: 10 * mebibyte, MediaFile: 20 * mebibyte,
}

// MediaLifetime is how long a media_id can be used, by every app of the corp (90253).
const MediaLifetime = 3 * 24 * time.Hour

// Media is an uploaded file.
type Media struct {
	Type      MediaType
	ID        string // media_id, good for [MediaLifetime]
	CreatedAt time.Time
}

// UploadMedia uploads a temporary media file (90253). filename is what users see
// for a file message. Size and name are checked before anything is sent.
func (c *Client) UploadMedia(ctx context.Context, kind MediaType, filename string, content []byte) (*Media, error) {
	if err := checkMedia(kind, filename, len(content)); err != nil {
		return nil, err
	}
	body, contentType, err := mediaForm(filename, content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", apiMediaUpload, err)
	}
	var reply struct {
		Type      MediaType `json:"type"`
		ID        string    `json:"media_id"`
		CreatedAt string    `json:"created_at"`
	}
	err = c.withToken(ctx, func(token Secret) error {
		query := url.Values{"access_token": {string(token)}, "type": {string(kind)}}
		return c.call(ctx, http.MethodPost, apiMediaUpload, query, contentType, body, &reply)
	})
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(reply.CreatedAt, 10, 64)
	if err != nil {
		seconds = time.Now().Unix()
	}
	return &Media{Type: reply.Type, ID: reply.ID, CreatedAt: time.Unix(seconds, 0)}, nil
}

func checkMedia(kind MediaType, filename string, size int) error {
	limit, known := maxMediaBytes[kind]
	switch {
	case !known:
		return fmt.Errorf("%s: type %q is none of image, voice, video, file", apiMediaUpload, kind)
	case size < minMediaBytes:
		return fmt.Errorf("%s: %d bytes, WeCom takes no file under %d", apiMediaUpload, size, minMediaBytes)
	case size > limit:
		return fmt.Errorf("%s: %d bytes, %d more than WeCom's limit of %d for type %s",
			apiMediaUpload, size, size-limit, limit, kind)
	case filename == "" || strings.HasPrefix(filename, "/") || strings.ContainsAny(filename, "\\:\r\n\""):
		return fmt.Errorf(`%s: file name %q is empty, starts with / or contains one of \ : " or a line break`,
			apiMediaUpload, filename)
	}
	return nil
}

// mediaForm writes the form as page 90253 shows it, filelength included.
func mediaForm(filename string, content []byte) (body []byte, contentType string, err error) {
	var buf bytes.Buffer
	buf.Grow(len(content) + 512)
	form := multipart.NewWriter(&buf)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="media"; filename="%s"; filelength=%d`, filename, len(content))},
		"Content-Type":        {"application/octet-stream"},
	})
	if err != nil {
		return nil, "", err
	}
	if _, err = part.Write(content); err != nil {
		return nil, "", err
	}
	if err = form.Close(); err != nil {
		return nil, "", err
	}
	return buf.Bytes(), form.FormDataContentType(), nil
}
