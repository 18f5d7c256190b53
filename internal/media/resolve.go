package media

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Resolve prepares a message once, before it is enqueued: it ensures that each of its files is stored for as
// long as the message may wait, and that WeCom accepts it in its place. A file named by an http or https URL is
// downloaded. A message without files is returned unchanged. A fault of the message is a
// [*message.ValidationError]; any other error is of Redis.
func (s *Store) Resolve(ctx context.Context, m tasks.Message) (tasks.Message, error) {
	if m.Request == nil {
		return m, nil // the producer reports it
	}
	life := s.cfg.TTL + max(m.Options.Delay, time.Until(m.Options.At), 0)
	request, err := message.MapMedia(m.Request, func(field string, kind wecom.MediaType, id string) (string, error) {
		resolved, err := s.resolve(ctx, kind, id, life)
		return resolved, atField(field, err)
	})
	m.Request = request
	return m, err
}

// Prolong keeps files for another [Config.TTL] from now, for a message that continues to wait. A file that has
// expired stays lost: its message is rejected with that reason.
func (s *Store) Prolong(ctx context.Context, refs []message.MediaRef) error {
	for _, ref := range refs {
		if err := s.book(ctx, ref, 0, 0, s.cfg.TTL); err != nil && !errors.Is(err, ErrAbsent) {
			return err
		}
	}
	return nil
}

func (s *Store) resolve(ctx context.Context, kind wecom.MediaType, id string, life time.Duration) (string, error) {
	switch {
	case isURL(id):
		return s.download(ctx, kind, id, life)
	case strings.HasPrefix(id, "file:"):
		return "", problemf("a file can be named by its path only on the command line; upload it, or give its URL")
	case strings.Contains(id, "://"):
		return "", problemf("only URLs that begin with http:// or https:// are downloaded")
	case !strings.HasPrefix(id, "sha256:"):
		return id, nil // WeCom's own
	}
	ref, ok := message.ParseMediaRef(kind, id)
	if !ok {
		return "", problemf("not like sha256:<64 hex digits>, or for a file sha256:<64 hex digits>/<name>")
	}
	switch err := s.book(ctx, ref, 0, 0, life); {
	case errors.Is(err, ErrAbsent):
		return "", problemf("there is no such file for app %s, or it is no longer kept; upload it first", s.cfg.App)
	case err != nil:
		return "", err
	}
	return id, s.check(ctx, ref)
}

// download stores the file of a URL.
func (s *Store) download(ctx context.Context, kind wecom.MediaType, address string, life time.Duration) (string, error) {
	name, content, err := s.cfg.Fetcher.fetch(ctx, kind, address)
	if err != nil {
		return "", err
	}
	ref, err := s.keep(ctx, kind, name, content, life)
	return ref.String(), err
}

// check checks that WeCom accepts a content as this type, unless it has accepted it before.
func (s *Store) check(ctx context.Context, ref message.MediaRef) error {
	uploaded, err := s.rdb.HExists(ctx, s.uploadKeys(ref)[0], "id").Result()
	if err != nil {
		return unsent("look for a media_id", err)
	}
	if uploaded {
		return nil
	}
	_, err, _ = s.flights.Do("check "+uploadOf(ref), func() (any, error) {
		content, err := s.Content(ctx, ref)
		if err != nil {
			return nil, err
		}
		return nil, wecom.CheckMedia(ref.Kind, Filename(ref, content), content)
	})
	return err
}

// problemError is a fault of a media_id.
type problemError string

func (e problemError) Error() string { return string(e) }

func problemf(format string, args ...any) error { return problemError(fmt.Sprintf(format, args...)) }

// atField turns a fault of a media_id into a validation error.
func atField(field string, err error) error {
	_, refused := errors.AsType[*wecom.MediaError](err)
	_, full := errors.AsType[*FullError](err)
	_, wrong := errors.AsType[problemError](err)
	if refused || full || wrong || errors.Is(err, ErrAbsent) {
		return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: err.Error()}}}
	}
	return err
}
