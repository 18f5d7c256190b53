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
	"time"
)

// APIMediaUpload is the path of the upload, below /cgi-bin/.
const APIMediaUpload = "media/upload"

// minUploadRate is the slowest connection, in bytes per second, that an upload allows for.
const minUploadRate = 512 << 10

// Media is an uploaded file.
type Media struct {
	Type      MediaType
	ID        string // media_id, valid for [MediaLifetime]
	CreatedAt time.Time
}

// UploadMedia uploads a temporary media file (90253). filename is shown to members, for a file message.
// [CheckMedia] is called first. The timeout is the client's plus a second for each 512 KB.
func (c *Client) UploadMedia(ctx context.Context, kind MediaType, filename string, content []byte) (*Media, error) {
	if err := CheckMedia(kind, filename, content); err != nil {
		return nil, fmt.Errorf("%s: %w", APIMediaUpload, err)
	}
	body, contentType, err := mediaForm(filename, content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", APIMediaUpload, err)
	}
	var reply struct {
		Type      MediaType `json:"type"`
		ID        string    `json:"media_id"`
		CreatedAt string    `json:"created_at"`
	}
	patient := *c
	patient.timeout += time.Duration(len(content)) * time.Second / minUploadRate
	err = c.withToken(ctx, func(token Secret) error {
		query := url.Values{"access_token": {string(token)}, "type": {string(kind)}}
		return patient.call(ctx, http.MethodPost, APIMediaUpload, query, contentType, body, &reply)
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

// mediaForm writes the multipart form as on page 90253, including filelength.
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
