package broadcast

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
)

// maxSamples is how many samples there are of a broadcast.
const maxSamples = 3

// Sample is what one recipient gets.
type Sample struct {
	Recipient string          `json:"recipient"`
	Body      json.RawMessage `json:"body"` // without recipients
}

// Samples are the messages of the first three calls, each to one of its recipients.
func (s *Store) Samples(ctx context.Context, b *Broadcast) ([]Sample, error) {
	stored, err := s.rdb.HGet(ctx, keys.BroadcastBlocks(s.app, b.ID), "0").Bytes()
	if err != nil {
		return nil, fmt.Errorf("samples of %s: %w", b.ID, err)
	}
	calls, err := compose.DecodeBlock(stored)
	if err != nil {
		return nil, fmt.Errorf("samples of %s: %w", b.ID, err)
	}
	var samples []Sample
	for _, call := range calls[:min(len(calls), maxSamples)] {
		body, err := b.Spec.Template.Render(call.Columns)
		if err != nil {
			return nil, fmt.Errorf("samples of %s: %w", b.ID, err)
		}
		samples = append(samples, Sample{Recipient: call.Users[0], Body: body})
	}
	return samples, nil
}
