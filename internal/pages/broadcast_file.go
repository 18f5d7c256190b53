package pages

import (
	"errors"
	"mime"
	"net/http"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/wecom"
)

// broadcastFile is the picture or the file of a broadcast, as those see it who get it.
func (p *Pages) broadcastFile(w http.ResponseWriter, r *http.Request) error {
	app, b, err := p.broadcastOf(r)
	if err != nil {
		return err
	}
	refs := b.Spec.Template.MediaRefs()
	if len(refs) == 0 {
		return broadcast.ErrNotFound
	}
	content, err := app.Broadcasts.File(r.Context(), refs[0])
	if errors.Is(err, media.ErrAbsent) {
		return &refusal{"The file is not kept any more", nil, broadcastPath(b.ID)}
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Cache-Control", "private, max-age=3600") // the page shows it again every two seconds
	if refs[0].Kind == wecom.MediaImage {
		header.Set("Content-Type", http.DetectContentType(content)) // a JPG or PNG: that was checked
	} else {
		header.Set("Content-Type", "application/octet-stream")
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": refs[0].Name}))
	}
	_, _ = w.Write(content)
	return nil
}
