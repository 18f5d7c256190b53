// Package media keeps the files of an app's messages in Redis, and uploads each once for all processes: its
// media_id is shared until shortly before it expires at WeCom. As long as the content is stored, a file can be
// uploaded again, so that a message may wait longer than its media_id lives.
package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// DefaultMaxBytes limits the stored files of an app: a dozen of WeCom's largest, or a thousand pictures of 256 KB.
const DefaultMaxBytes = 256 << 20

// Life is how long a media_id is used. WeCom keeps it for three days (90253); a message that got it at the last
// moment may be resent with it for half a day.
const Life = 60 * time.Hour

// Result is the result of an upload.
type Result string

// The results.
const (
	Uploaded Result = "uploaded" // for the first time, or after [Life]
	Renewed  Result = "renewed"  // after WeCom had refused the media_id
	Failed   Result = "failed"
)

// Results lists all results.
func Results() []Result { return []Result{Uploaded, Renewed, Failed} }

// Uploader uploads a file to WeCom; [*wecom.Client] is one.
type Uploader interface {
	UploadMedia(ctx context.Context, kind wecom.MediaType, filename string, content []byte) (*wecom.Media, error)
}

// Config configures a [Store]. App is required.
type Config struct {
	App string
	// Uploader is needed for media_ids only, not to store files.
	Uploader Uploader
	// TTL is how long a content is kept after a message last needed it: when it was enqueued, due or attempted; 0
	// for [tasks.DefaultRecordTTL].
	TTL time.Duration
	// MaxBytes limits the size of all contents; 0 for [DefaultMaxBytes].
	MaxBytes int64
	// Fetcher downloads files named by URL.
	Fetcher Fetcher
	// OnUpload, if set, is called after each upload.
	OnUpload func(app string, r Result)
}

// Store has the files of one app. It is safe for concurrent use.
type Store struct {
	rdb     redis.UniversalClient
	cfg     Config
	flights singleflight.Group // one for each file that this process needs
}

// New returns the store of an app; it does not connect.
func New(rdb redis.UniversalClient, cfg Config) *Store {
	if cfg.TTL == 0 {
		cfg.TTL = tasks.DefaultRecordTTL
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.OnUpload == nil {
		cfg.OnUpload = func(string, Result) {}
	}
	return &Store{rdb: rdb, cfg: cfg}
}

// Of is the reference of a content; name is the file name that members see.
func Of(kind wecom.MediaType, name string, content []byte) message.MediaRef {
	sum := sha256.Sum256(content)
	ref := message.MediaRef{Kind: kind, Hash: hex.EncodeToString(sum[:])}
	if kind == wecom.MediaFile {
		ref.Name = name
	}
	return ref
}

// uploadOf identifies a file for WeCom: another type or name needs a separate upload.
func uploadOf(ref message.MediaRef) string {
	sum := sha256.Sum256([]byte(string(ref.Kind) + "\x00" + ref.Name + "\x00" + ref.Hash))
	return hex.EncodeToString(sum[:16])
}

// contentKeys are the keys of a content and of the books.
func (s *Store) contentKeys(ref message.MediaRef) []string {
	return []string{keys.MediaContent(s.cfg.App, ref.Hash), keys.MediaKept(s.cfg.App), keys.MediaBytes(s.cfg.App)}
}

// Filename is the name under which a content is uploaded. Members see the name of a file.
func Filename(ref message.MediaRef, content []byte) string {
	switch ref.Kind {
	case wecom.MediaVoice:
		return "voice.amr"
	case wecom.MediaVideo:
		return "video.mp4"
	case wecom.MediaImage:
		if len(content) > 0 && content[0] == 0xff {
			return "image.jpg"
		}
		return "image.png"
	case wecom.MediaFile:
	}
	if ref.Name == "" {
		return "file"
	}
	return ref.Name
}

// unsent is the error if Redis did not answer: nothing was sent to WeCom.
func unsent(doing string, err error) error {
	return &wecom.UnsentError{Err: fmt.Errorf("%s: %w", doing, err)}
}
