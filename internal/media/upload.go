package media

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/callfailure"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// lockLifetime limits how long a process that died while uploading blocks the others.
	lockLifetime = time.Minute
	// uploadTimeout is shorter than lockLifetime.
	uploadTimeout = 50 * time.Second
	pollInterval  = 50 * time.Millisecond
)

var (
	//go:embed acquire.lua
	acquireSource string
	//go:embed save.lua
	saveSource string
	//go:embed fail.lua
	failSource string
	//go:embed freeze.lua
	freezeSource string

	acquireScript = redis.NewScript(booksSource + acquireSource)
	saveScript    = redis.NewScript(saveSource)
	failScript    = redis.NewScript(failSource)
	freezeScript  = redis.NewScript(freezeSource)
)

// GoneError is returned for a file that is neither at WeCom nor stored here.
type GoneError struct{ Ref message.MediaRef }

// Error says what to do.
func (e *GoneError) Error() string {
	return fmt.Sprintf("the file %s is no longer kept; send the message again with the file itself", e.Ref)
}

// Class is that of an expired media_id.
func (e *GoneError) Class() wecom.Class { return wecom.ClassMedia }

// Ensure ensures that the files are at WeCom, and returns their media_ids, in order. Only one process uploads a
// file while the others wait.
func (s *Store) Ensure(ctx context.Context, refs []message.MediaRef) ([]string, error) {
	return s.mediaIDs(ctx, refs, make([]string, len(refs)))
}

// Renew uploads files again whose media_ids WeCom has refused, unless that has been done, and returns the
// media_ids that the message with this id posts from now on.
func (s *Store) Renew(ctx context.Context, id string, refs []message.MediaRef, refused []string) ([]string, error) {
	renewed, err := s.mediaIDs(ctx, refs, refused)
	if err != nil {
		return nil, err
	}
	return s.freeze(ctx, id, renewed, refused)
}

// Freeze returns the media_ids that the message with this id posts in all its attempts:
// mediaIDs, unless an earlier attempt had others. It needs the record of an attempt.
func (s *Store) Freeze(ctx context.Context, id string, mediaIDs []string) ([]string, error) {
	return s.freeze(ctx, id, mediaIDs, nil)
}

// idSeparator does not occur in media_ids.
const idSeparator = " "

func (s *Store) freeze(ctx context.Context, id string, mediaIDs, instead []string) ([]string, error) {
	frozen, err := freezeScript.Run(ctx, s.rdb, []string{keys.Record(s.cfg.App, id)},
		strings.Join(mediaIDs, idSeparator), strings.Join(instead, idSeparator)).Text()
	if err != nil {
		return nil, unsent("note the media_ids of "+id, err)
	}
	return strings.Split(frozen, idSeparator), nil
}

func (s *Store) mediaIDs(ctx context.Context, refs []message.MediaRef, refused []string) ([]string, error) {
	ids := make([]string, len(refs))
	for i, ref := range refs {
		id, err, _ := s.flights.Do(uploadOf(ref)+refused[i], func() (any, error) {
			return s.mediaID(ctx, ref, refused[i])
		})
		if err != nil {
			return nil, err
		}
		ids[i], _ = id.(string)
	}
	return ids, nil
}

// mediaID gets a media_id for a file, other than the refused one.
func (s *Store) mediaID(ctx context.Context, ref message.MediaRef, refused string) (string, error) {
	owner := rand.Text()
	for {
		reply, err := s.acquire(ctx, owner, ref, refused)
		if err != nil {
			return "", unsent("look for a media_id", err)
		}
		switch verdict := reply[0]; {
		case verdict == "use" && len(reply) == 2:
			return reply[1], nil
		case verdict == "failed" && len(reply) == 4:
			return "", callfailure.Read(reply[1:]).Err(wecom.APIMediaUpload)
		case verdict == "gone":
			return "", &GoneError{ref}
		case verdict == "upload":
			return s.upload(ctx, owner, ref, refused)
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return "", unsent("wait for the upload of a file", context.Cause(ctx))
		}
	}
}

func (s *Store) acquire(ctx context.Context, owner string, ref message.MediaRef, refused string) ([]string, error) {
	return acquireScript.Run(ctx, s.rdb, append(s.uploadKeys(ref), s.contentKeys(ref)...),
		owner, lockLifetime.Milliseconds(), ref.Hash, s.cfg.TTL.Milliseconds(), refused, 0).StringSlice()
}

func (s *Store) uploadKeys(ref message.MediaRef) []string {
	upload := uploadOf(ref)
	return []string{keys.MediaUpload(s.cfg.App, upload), keys.MediaLock(s.cfg.App, upload)}
}

// upload uploads a file while holding the lock, and releases the lock even if the caller is cancelled.
func (s *Store) upload(ctx context.Context, owner string, ref message.MediaRef, refused string) (string, error) {
	media, err := s.call(ctx, ref)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockLifetime-uploadTimeout)
	defer cancel()
	if err != nil {
		return "", s.fail(ctx, owner, ref, err)
	}
	id, err := saveScript.Run(ctx, s.rdb, s.uploadKeys(ref), owner, media.ID, Life.Milliseconds()).Text()
	if err != nil {
		return "", unsent("save a media_id", err)
	}
	result := Uploaded
	if refused != "" {
		result = Renewed
	}
	s.cfg.OnUpload(s.cfg.App, result)
	return id, nil
}

func (s *Store) call(ctx context.Context, ref message.MediaRef) (*wecom.Media, error) {
	if s.cfg.Uploader == nil {
		return nil, &wecom.MediaError{Code: 40007, Problem: "the Sender of this worker uploads no files"}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, uploadTimeout, fmt.Errorf("the upload took longer than %s", uploadTimeout))
	defer cancel()
	content, err := s.Content(ctx, ref)
	if errors.Is(err, ErrAbsent) {
		return nil, &GoneError{ref}
	}
	if err != nil {
		return nil, err
	}
	return s.cfg.Uploader.UploadMedia(ctx, ref.Kind, Filename(ref, content), content)
}

// fail records an upload's failure, and returns the error.
func (s *Store) fail(ctx context.Context, owner string, ref message.MediaRef, cause error) error {
	s.cfg.OnUpload(s.cfg.App, Failed)
	f, retryIn := failureOf(cause)
	err := failScript.Run(ctx, s.rdb, s.uploadKeys(ref), owner, retryIn.Milliseconds(), int64(f.Code), f.Msg, f.Status).Err()
	return errors.Join(cause, err)
}
