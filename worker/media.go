package worker

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

// Media resolves the files that messages refer to into media_ids, in the order of the references.
type Media interface {
	// Ensure ensures that the files are uploaded to WeCom.
	Ensure(ctx context.Context, refs []message.MediaRef) ([]string, error)
	// Freeze returns the media_ids that all attempts of a message post: mediaIDs, if this is the first.
	Freeze(ctx context.Context, id string, mediaIDs []string) ([]string, error)
	// Renew uploads files again whose media_ids WeCom has refused.
	Renew(ctx context.Context, id string, refs []message.MediaRef, refused []string) ([]string, error)
}

// newMedia is the default media of an app.
func newMedia(rdb redis.UniversalClient, a App) Media {
	uploader, _ := a.Sender.(media.Uploader)
	return media.New(rdb, media.Config{App: a.Name, Uploader: uploader, TTL: a.RecordTTL})
}

// ensureMedia uploads the files of a message, if necessary, before it asks for its turn: nothing slow may
// happen between the admission and the call.
func (l *lane) ensureMedia(ctx context.Context, d *delivery) (err error) {
	if d.update != nil { // it refers to no files
		return nil
	}
	if d.refs = message.MediaRefs(d.request); len(d.refs) == 0 {
		return nil
	}
	ctx, cancel := context.WithDeadlineCause(ctx, d.began.Add(maxPatience), errImpatient)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)
	defer context.AfterFunc(l.stopping, func() { stop(errStopping) })() //nolint:contextcheck // the lane's end ends it as well
	d.mediaIDs, err = l.app.Media.Ensure(ctx, d.refs)
	return err
}

// post sends the message with the media_ids of its first attempt. If WeCom refuses them as expired (40007),
// nothing was sent, and the same attempt is repeated with new ones, once.
func (l *lane) post(ctx context.Context, d *delivery, reply *message.SendResponse) error {
	if len(d.refs) == 0 {
		return l.app.Sender.Post(ctx, message.APISend, d.payload.Body, reply)
	}
	ids, err := l.app.Media.Freeze(ctx, d.payload.ID, d.mediaIDs)
	if err != nil {
		return err
	}
	err = l.app.Sender.Post(ctx, message.APISend, message.FillMedia(d.payload.Body, d.refs, ids), reply)
	if wecom.ClassOf(err) != wecom.ClassMedia {
		return err
	}
	l.log.Info().Str(fields.MessageID, d.payload.ID).Strs("media", ids).Msg("WeCom no longer has the files; they are uploaded again")
	if ids, err = l.renewMedia(ctx, d, ids); err != nil {
		return err
	}
	*reply = message.SendResponse{}
	return l.app.Sender.Post(ctx, message.APISend, message.FillMedia(d.payload.Body, d.refs, ids), reply)
}

// renewMedia leaves the attempt enough time for another call. Files that take longer are uploaded before the
// next attempt.
func (l *lane) renewMedia(ctx context.Context, d *delivery, refused []string) ([]string, error) {
	end, _ := ctx.Deadline() // the attempt's deadline
	ctx, cancel := context.WithDeadline(ctx, end.Add(-l.app.Timeout))
	defer cancel()
	return l.app.Media.Renew(ctx, d.payload.ID, d.refs, refused)
}
