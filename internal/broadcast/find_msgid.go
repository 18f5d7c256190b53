package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
)

const (
	// MaxOutcomes is how many outcomes of calls a search for a msgid reads, some 20 MB. There is no index
	// from a msgid to its call: it would take most of a call's memory in Redis.
	MaxOutcomes = 200_000
	// blocksPerLook is how many blocks it reads per round trip, 1.5 MB at most.
	blocksPerLook = 16
)

// FoundCall is the call with a msgid.
type FoundCall struct {
	Broadcast *Broadcast
	Rows      []Row // of its recipients
}

// errEnough ends a search that has looked at [MaxOutcomes].
var errEnough = errors.New("enough")

// FindMsgID finds the call with this msgid, nil if there is none among the newest [MaxOutcomes] of the newest
// 20 broadcasts.
func (s *Store) FindMsgID(ctx context.Context, msgid string) (*FoundCall, error) {
	newest, err := s.List(ctx, maxSearched)
	if err != nil {
		return nil, err
	}
	search := msgidSearch{store: s, msgid: msgid, packed: string(ledger.PackMsgID(msgid)), left: MaxOutcomes}
	for _, b := range newest {
		found, err := search.in(ctx, b)
		switch {
		case errors.Is(err, errEnough):
			return nil, nil
		case err != nil || found != nil:
			return found, err
		}
	}
	return nil, nil
}

// FindCall finds the call of one broadcast with this msgid, nil if there is none.
func (s *Store) FindCall(ctx context.Context, b *Broadcast, msgid string) (*FoundCall, error) {
	search := msgidSearch{store: s, msgid: msgid, packed: string(ledger.PackMsgID(msgid)), left: math.MaxInt}
	return search.in(ctx, b)
}

// msgidSearch searches outcomes for a msgid.
type msgidSearch struct {
	store         *Store
	msgid, packed string
	left          int // outcomes, or empty blocks, that it may still read
}

func (m *msgidSearch) in(ctx context.Context, b *Broadcast) (*FoundCall, error) {
	if m.packed == "" {
		return nil, nil
	}
	for first := 0; first < b.Blocks; first += blocksPerLook {
		block, err := m.look(ctx, b, first, min(first+blocksPerLook, b.Blocks))
		if err != nil {
			return nil, err
		}
		if block >= 0 {
			return m.rows(ctx, b, block)
		}
		if m.left <= 0 {
			return nil, errEnough
		}
	}
	return nil, nil
}

// look returns which of some blocks has an outcome with the msgid, -1 for none.
func (m *msgidSearch) look(ctx context.Context, b *Broadcast, from, to int) (int, error) {
	outcomes := make([]*redis.StringSliceCmd, to-from)
	_, err := m.store.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range outcomes {
			outcomes[i] = p.LRange(ctx, keys.BroadcastOutcomes(m.store.app, b.ID, strconv.Itoa(from+i)), 0, -1)
		}
		return nil
	})
	if err != nil {
		return -1, fmt.Errorf("search %s: %w", b.ID, err)
	}
	for i, block := range outcomes {
		m.left -= max(len(block.Val()), 1)
		if slices.ContainsFunc(block.Val(), func(text string) bool { return strings.Contains(text, m.packed) }) {
			return from + i, nil
		}
	}
	return -1, nil
}

// rows returns the recipients whose outcome has the msgid.
func (m *msgidSearch) rows(ctx context.Context, b *Broadcast, block int) (*FoundCall, error) {
	open, err := m.store.openCalls(ctx, b)
	if err != nil {
		return nil, err
	}
	rows, err := m.store.reportBlock(ctx, b, block, open)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r Row) bool { return r.MsgID != m.msgid })
	if len(rows) == 0 {
		return nil, nil
	}
	return &FoundCall{b, rows}, nil
}
