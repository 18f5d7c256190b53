package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// LocalFiles are the files of this host, which the messages of a command may name by path: "file:a.png".
type LocalFiles struct {
	Store *Store // nil for a dry run, which only checks them
}

// Attach stores the files of a message, including those named by URL, and replaces them by references. The error
// is an [*asynqx.RedisError] if Redis does not store a file; any other error is a fault of the file.
func (f LocalFiles) Attach(ctx context.Context, m tasks.Message) (tasks.Message, error) {
	request, err := message.MapMedia(m.Request, func(field string, kind wecom.MediaType, id string) (string, error) {
		path, named := strings.CutPrefix(id, "file:")
		if !named {
			return id, nil
		}
		ref, err := f.keep(ctx, kind, path)
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", field, path, err)
		}
		return ref.String(), nil
	})
	m.Request = request
	if err == nil && f.Store != nil {
		m, err = f.Store.Resolve(ctx, m)
	}
	if unsent, ok := errors.AsType[*wecom.UnsentError](err); ok {
		err = fmt.Errorf("not enqueued: %w", &asynqx.RedisError{Err: unsent.Err})
	}
	return m, err
}

func (f LocalFiles) keep(ctx context.Context, kind wecom.MediaType, path string) (message.MediaRef, error) {
	content, err := readFile(kind, path)
	if err != nil {
		return message.MediaRef{}, err
	}
	name := filepath.Base(path)
	if f.Store == nil {
		return Of(kind, name, content), wecom.CheckMedia(kind, name, content)
	}
	return f.Store.Keep(ctx, kind, name, content)
}

// readFile reads a file up to WeCom's size limit: a larger file need not be read in full.
func readFile(kind wecom.MediaType, path string) ([]byte, error) {
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
