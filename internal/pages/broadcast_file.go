package pages

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/wecom"
)

// broadcastFile serves the picture, voice, video or other file of a broadcast as its recipients get it.
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
		return &refusal{"The file is no longer kept", nil, broadcastPath(b.ID)}
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Cache-Control", "private, max-age=3600") // the page shows it again every two seconds
	kind := refs[0].Kind
	switch kind { // their formats were checked
	case wecom.MediaImage:
		header.Set("Content-Type", http.DetectContentType(content)) // a JPG or PNG
	case wecom.MediaVideo:
		header.Set("Content-Type", "video/mp4")
	case wecom.MediaVoice:
		header.Set("Content-Type", "audio/amr")
	case wecom.MediaFile:
		header.Set("Content-Type", "application/octet-stream")
	}
	if kind == wecom.MediaVoice || kind == wecom.MediaFile { // no browser plays AMR
		name := plain(media.Filename(refs[0], content))
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content)) // a player requests parts of a video
	return nil
}
