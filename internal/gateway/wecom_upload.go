package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wecomq/wecomq/internal/intake"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// maxUploads is how many files may be in memory at once.
	maxUploads = 3
	// maxUploadBytes is WeCom's largest file (90253) plus the form around it.
	maxUploadBytes = wecom.MaxFileBytes + 64<<10
)

type uploadReply struct {
	wecomStatus

	Type      wecom.MediaType `json:"type,omitempty"`
	MediaID   string          `json:"media_id,omitempty"`
	CreatedAt string          `json:"created_at,omitempty"` // Unix seconds
}

// upload serves media/upload immediately, without the queue: the media_id is WeCom's. It is valid for all apps
// of the corp (90253), so any of the token's apps will do.
func (c *wecomCall) upload() (wecomReply, error) {
	kind := wecom.MediaType(c.r.URL.Query().Get("type"))
	switch kind {
	case wecom.MediaImage, wecom.MediaVoice, wecom.MediaVideo, wecom.MediaFile:
	default:
		return nil, refuse(40005, "type %.40q is not one of image, voice, video, file", string(kind))
	}
	release, err := c.takeUpload(c.r.Context())
	if err != nil {
		return nil, err
	}
	defer release()
	name, content, err := formFile(c.w, c.r)
	if err != nil {
		return nil, uploadError(err)
	}
	app := c.identity.apps[0]
	ctx, cancel := detached(c.r.Context(), wecomTime)
	defer cancel()
	media, err := app.WeCom.UploadMedia(ctx, kind, name, content)
	if err != nil {
		if refused, ok := errors.AsType[*wecom.MediaError](err); ok {
			err = refuse(refused.Code, "%v", refused)
		}
		return nil, err
	}
	return &uploadReply{Type: media.Type, MediaID: media.ID, CreatedAt: strconv.FormatInt(media.CreatedAt.Unix(), 10)}, nil
}

// fileBody is the body of a file. It extends the deadline of the response by the time that the file may take to arrive.
func fileBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(intake.File.Most + requestTime)) // the writers of some tests support no deadlines
	return http.MaxBytesReader(w, intake.Uncharged(w, r, intake.File), maxUploadBytes)
}

// errNoForm is the error for a body that is not such a form.
var errNoForm = errors.New("no multipart form with a part named media")

// formFile reads the part named media of a form, io.EOF if there is none.
func formFile(w http.ResponseWriter, r *http.Request) (name string, content []byte, err error) {
	r.Body = fileBody(w, r)
	form, err := r.MultipartReader()
	if err != nil {
		return "", nil, errNoForm
	}
	for {
		part, err := form.NextPart()
		if err != nil {
			return "", nil, err
		}
		if part.FormName() != "media" {
			continue
		}
		content, err := io.ReadAll(part)
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the rest of the form is not read
		return part.FileName(), content, err
	}
}

func uploadError(err error) error {
	switch {
	case errors.Is(err, errNoForm):
		return refuse(44001, "%v", err)
	case errors.Is(err, io.EOF):
		return refuse(44001, "no part named media")
	case intake.OverLimit(err):
		return refuse(45001, "the file has %v", wecom.MediaFile.TooLarge())
	}
	return refuse(wecom.CodeInvalidParameter, "the form broke off")
}
