package broadcast

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/keys"
)

// maxSearched is how many of the newest broadcasts are searched for a recipient.
const maxSearched = 20

// Found is a recipient of a broadcast.
type Found struct {
	Broadcast *Broadcast
	Row       Row
}

// FindRecipient returns the broadcasts to this recipient, newest first, among the newest 20.
func (s *Store) FindRecipient(ctx context.Context, user string) ([]Found, error) {
	newest, err := s.List(ctx, maxSearched)
	if err != nil {
		return nil, err
	}
	var found []Found
	for _, b := range newest {
		row, ok, err := s.find(ctx, b, user)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, Found{b, row})
		}
	}
	return found, nil
}

// Find returns the outcome of one recipient; ok is false if they are not on the list.
func (s *Store) Find(ctx context.Context, id, user string) (row Row, ok bool, err error) {
	b, err := s.Get(ctx, id)
	if err != nil {
		return Row{}, false, err
	}
	return s.find(ctx, b, user)
}

// find decodes only the recipient's block.
func (s *Store) find(ctx context.Context, b *Broadcast, user string) (Row, bool, error) {
	block, err := s.blockOf(ctx, b, strings.ToLower(user))
	if err != nil || block < 0 {
		return Row{}, false, err
	}
	open, err := s.openCalls(ctx, b)
	if err != nil {
		return Row{}, false, err
	}
	rows, err := s.reportBlock(ctx, b, block, open)
	if err != nil {
		return Row{}, false, err
	}
	for _, row := range rows {
		if strings.EqualFold(row.Recipient, user) {
			return row, true, nil
		}
	}
	return Row{}, false, nil
}

// blockOf is the number of the block of a user, in lower case; -1 for none. If everybody gets the same text,
// the recipients are sorted across blocks.
func (s *Store) blockOf(ctx context.Context, b *Broadcast, user string) (int, error) {
	if b.Spec.Template.Static() {
		return s.sortedBlockOf(ctx, b, user)
	}
	for block := range b.Blocks {
		users, err := s.usersOf(ctx, b.ID, block)
		if err != nil {
			return -1, err
		}
		if slices.Contains(users, user) {
			return block, nil
		}
	}
	return -1, nil
}

func (s *Store) sortedBlockOf(ctx context.Context, b *Broadcast, user string) (int, error) {
	var broken error
	block, found := sort.Find(b.Blocks, func(block int) int {
		users, err := s.usersOf(ctx, b.ID, block)
		switch {
		case err != nil:
			broken = err
			return 0
		case user < users[0]:
			return -1
		case user > users[len(users)-1]:
			return 1
		default:
			return 0
		}
	})
	if broken != nil || !found {
		return -1, broken
	}
	return block, nil
}

// usersOf returns the recipients of a block, in lower case.
func (s *Store) usersOf(ctx context.Context, id string, block int) ([]string, error) {
	stored, err := s.rdb.HGet(ctx, keys.BroadcastBlocks(s.app, id), strconv.Itoa(block)).Bytes()
	if err != nil {
		return nil, fmt.Errorf("search %s: block %d: %w", id, block, err)
	}
	calls, err := compose.DecodeBlock(stored)
	if err != nil {
		return nil, fmt.Errorf("search %s: block %d: %w", id, block, err)
	}
	var users []string
	for _, call := range calls {
		for _, user := range call.Users {
			users = append(users, strings.ToLower(user))
		}
	}
	return users, nil
}
