package daemon

import (
	"context"
	"errors"
	"fmt"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Keep implements [gateway.MediaKeeper].
func (b *backends) Keep(ctx context.Context, app string, kind wecom.MediaType, name string, content []byte) (message.MediaRef, error) {
	backend, err := b.of(app)
	if err != nil {
		return message.MediaRef{}, err
	}
	ref, err := backend.media.Keep(ctx, kind, name, content)
	return ref, mediaFault("media", name, err)
}

// Resolve implements [gateway.MediaKeeper].
func (b *backends) Resolve(ctx context.Context, app string, m tasks.Message) (tasks.Message, error) {
	backend, err := b.of(app)
	if err != nil {
		return m, err
	}
	m, err = backend.media.Resolve(ctx, m)
	return m, mediaFault("media", "", err)
}

// mediaFault classifies the error of a file: the file is invalid, or Redis did not store it. name is the
// file's name, "" if unknown.
func mediaFault(field, name string, err error) error {
	if err == nil {
		return nil
	}
	_, refused := errors.AsType[*wecom.MediaError](err)
	_, full := errors.AsType[*media.FullError](err)
	if refused || full {
		problem := err.Error()
		if name != "" {
			problem = name + ": " + problem
		}
		return &message.ValidationError{Fields: []message.FieldError{{Field: field, Problem: problem}}}
	}
	if _, unsent := errors.AsType[*wecom.UnsentError](err); unsent {
		if fault := enqueueFault(err); errors.Is(fault, gateway.ErrUnavailable) {
			return fault
		}
		return fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	return err
}
