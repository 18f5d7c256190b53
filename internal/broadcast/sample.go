package broadcast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/message"
)

// maxSampled bounds the blocks read for samples.
const maxSampled = 10

// Sample is the message of one recipient.
type Sample struct {
	Recipient string          `json:"recipient"`
	Body      json.RawMessage `json:"body"` // without recipients
}

// Samples returns the messages of the first three calls that differ, each for one of its recipients.
func (s *Store) Samples(ctx context.Context, b *Broadcast) ([]Sample, error) {
	var found []compose.Sample
	for block := range min(b.Blocks, maxSampled) {
		stored, err := s.rdb.HGet(ctx, keys.BroadcastBlocks(s.app, b.ID), strconv.Itoa(block)).Bytes()
		if errors.Is(err, redis.Nil) { // it was lost; the feeder reports what to do
			break
		}
		if err != nil {
			return nil, fmt.Errorf("samples of %s: %w", b.ID, err)
		}
		calls, err := compose.DecodeBlock(stored)
		if err != nil {
			return nil, fmt.Errorf("samples of %s: %w", b.ID, err)
		}
		found = compose.AppendSamples(found, calls)
		if b.Spec.Template.Static() || len(found) == compose.MaxSamples {
			break
		}
	}
	return renderSamples(b.Spec.Template, found)
}

// File returns a file that the message of a broadcast refers to; [media.ErrAbsent] if it is no longer stored.
func (s *Store) File(ctx context.Context, ref message.MediaRef) ([]byte, error) {
	return s.files.Content(ctx, ref)
}

// renderSamples renders samples.
func renderSamples(template *compose.Template, samples []compose.Sample) ([]Sample, error) {
	rendered := make([]Sample, len(samples))
	for i, sample := range samples {
		body, err := template.Render(sample.Columns)
		if err != nil {
			return nil, fmt.Errorf("sample for %s: %w", sample.User, err)
		}
		rendered[i] = Sample{Recipient: sample.User, Body: body}
	}
	return rendered, nil
}
