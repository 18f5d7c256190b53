package broadcast

import (
	"context"
	"errors"

	"github.com/wecomq/wecomq/tasks"
)

// repeated prepares a broadcast, or finds the one that a draft repeats. A draft with the key of another
// broadcast but other content is a [*tasks.KeyReuseError].
func (s *Store) repeated(ctx context.Context, d Draft) (b *Broadcast, duplicate bool, err error) {
	digest, err := d.Digest()
	if err != nil {
		return nil, false, err
	}
	if b, err = s.elder(ctx, d, digest); b != nil || err != nil {
		return b, true, err
	}
	if b, err = s.Prepare(ctx, d); err != nil || b.State == Creating {
		return b, false, err
	}
	if b.Digest != digest {
		return nil, false, &tasks.KeyReuseError{ID: b.ID}
	}
	return b, true, nil
}

// elder is the broadcast that the previous version, whose keys had no owners, created from the same draft;
// nil for none. Without it, a repeat after an upgrade would reach everybody twice.
func (s *Store) elder(ctx context.Context, d Draft, digest string) (*Broadcast, error) {
	if d.Key == "" || d.KeyOwner == "" {
		return nil, nil //nolint:nilnil // none is not an error
	}
	d.KeyOwner = ""
	b, err := s.Get(ctx, d.id(s.app, digest))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil //nolint:nilnil // likewise
	case err != nil:
		return nil, err
	case b.State == Creating || b.Digest != digest || b.Spec.CreatedBy != d.Spec.CreatedBy:
		return nil, nil //nolint:nilnil // it is another's, or will not be started
	}
	return b, nil
}
