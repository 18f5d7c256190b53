package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom"
)

// attacher finds the files that messages name: by path ("file:a.png"), by URL or by what
// stands for a file that is kept.
type attacher struct {
	store *media.Store // nil for a dry run, which only looks at files of this host
}

// attach keeps the files of a message, and puts what stands for them in their place.
func (a attacher) attach(ctx context.Context, m producer.Message) (producer.Message, error) {
	request, err := message.MapMedia(m.Request, func(field string, kind wecom.MediaType, id string) (string, error) {
		path, named := strings.CutPrefix(id, "file:")
		if !named {
			return id, nil
		}
		ref, err := a.keep(ctx, kind, path)
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", field, path, err)
		}
		return ref.String(), nil
	})
	m.Request = request
	if err == nil && a.store != nil {
		m, err = a.store.Resolve(ctx, m)
	}
	return m, attachError(err)
}

func (a attacher) keep(ctx context.Context, kind wecom.MediaType, path string) (message.MediaRef, error) {
	content, err := readMedia(kind, path)
	if err != nil {
		return message.MediaRef{}, err
	}
	name := filepath.Base(path)
	if a.store == nil {
		return media.Of(kind, name, content), wecom.CheckMedia(kind, name, content)
	}
	return a.store.Keep(ctx, kind, name, content)
}

// readMedia reads a file that WeCom may take: anything larger need not be read.
func readMedia(kind wecom.MediaType, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if failed, ok := errors.AsType[*os.PathError](err); ok {
		return nil, failed.Err
	}
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a file")
	case info.Size() > int64(kind.MaxBytes()):
		return nil, fmt.Errorf("%d bytes, %w", info.Size(), kind.TooLarge())
	}
	return os.ReadFile(path)
}

// attachError tells a Redis that did not keep a file from a file at fault.
func attachError(err error) error {
	unsent, ok := errors.AsType[*wecom.UnsentError](err)
	switch {
	case err == nil:
		return nil
	case ok:
		return fmt.Errorf("not enqueued: %w", &producer.RedisError{Err: unsent.Err})
	}
	return &exitError{exitUsage, err}
}
