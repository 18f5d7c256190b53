package media

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
)

var (
	//go:embed books.lua
	booksSource string
	//go:embed keep.lua
	keepSource string
	//go:embed put.lua
	putSource string

	keepScript = redis.NewScript(booksSource + keepSource)
	putScript  = redis.NewScript(putSource)
)

// pieceBytes is how much is written to or read from Redis at once: 20 MB would block all others. With Redis's
// header a piece fits into 256 KB, and does not need the next larger block.
const pieceBytes = 256<<10 - 64

// unbooked is how long a content lives that is not in the books yet, in case its process dies.
const unbooked = time.Minute

// FullError is returned for a content for which there is no room.
type FullError struct {
	App               string
	Size, Taken, Most int64
}

// Error names the limit.
func (e *FullError) Error() string {
	return fmt.Sprintf("the file has %d bytes, and the files of app %s take %d of %d already; raise apps.%s.media_storage, or send it later",
		e.Size, e.App, e.Taken, e.Most, e.App)
}

// ErrAbsent is returned for a content that is not stored.
var ErrAbsent = errors.New("not stored")

// Keep checks a file against WeCom's limits and stores it. The result replaces a media_id in a message. A
// refusal is a [*wecom.MediaError] or a [*FullError].
func (s *Store) Keep(ctx context.Context, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error) {
	return s.keep(ctx, kind, name, content, s.cfg.TTL)
}

func (s *Store) keep(
	ctx context.Context, kind wecom.MediaType, name string, content []byte, life time.Duration,
) (message.MediaRef, error) {
	ref := Of(kind, name, content)
	if err := wecom.CheckMedia(kind, Filename(ref, content), content); err != nil {
		return ref, err
	}
	pieces := slices.Collect(slices.Chunk(content, pieceBytes))
	size := int64(len(content))
	err := s.book(ctx, ref, size, len(pieces), life)
	if !errors.Is(err, ErrAbsent) {
		return ref, err
	}
	for i, piece := range pieces {
		err := putScript.Run(ctx, s.rdb, s.contentKeys(ref)[:1], i, piece, unbooked.Milliseconds()).Err()
		if err != nil {
			return ref, unsent("keep a file", err)
		}
	}
	if err = s.book(ctx, ref, size, len(pieces), life); errors.Is(err, ErrAbsent) {
		err = unsent("keep a file", err)
	}
	return ref, err
}

// book adds a content whose pieces are in Redis to the books, or extends its life. It returns ErrAbsent if they
// are not there; with no pieces, if it is not in the books.
func (s *Store) book(ctx context.Context, ref message.MediaRef, size int64, pieces int, life time.Duration) error {
	reply, err := keepScript.Run(ctx, s.rdb, s.contentKeys(ref),
		ref.Hash, size, pieces, life.Milliseconds(), s.cfg.MaxBytes, 0).StringSlice()
	switch {
	case err != nil:
		return unsent("keep a file", err)
	case reply[0] == "kept":
		return nil
	case reply[0] == "full":
		full := &FullError{App: s.cfg.App, Size: size, Most: s.cfg.MaxBytes}
		full.Taken, _ = strconv.ParseInt(reply[1], 10, 64) // written by the script itself
		return full
	}
	return ErrAbsent
}

// Content reads a content; [ErrAbsent] if there is none.
func (s *Store) Content(ctx context.Context, ref message.MediaRef) ([]byte, error) {
	key := keys.MediaContent(s.cfg.App, ref.Hash)
	size, err := s.rdb.HGet(ctx, key, "size").Int()
	content := make([]byte, 0, max(size, 0))
	for i := 0; err == nil && len(content) < size; i++ {
		var piece []byte
		piece, err = s.rdb.HGet(ctx, key, strconv.Itoa(i)).Bytes()
		content = append(content, piece...)
	}
	switch {
	case errors.Is(err, redis.Nil):
		return nil, ErrAbsent
	case err != nil:
		return nil, unsent("read a file", err)
	}
	return content, nil
}
