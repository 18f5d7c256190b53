package budget

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

//go:embed usage.lua
var usageSource string

// Usage is how much of its budget a token has used.
type Usage struct {
	Messages   int // in this minute
	Recipients int // on this day of China
}

// Used looks up what tokens have used, by their names, in one round trip.
func Used(ctx context.Context, rdb redis.UniversalClient, tokens []string) (map[string]Usage, error) {
	replies := make([]*redis.Cmd, len(tokens))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, token := range tokens {
			replies[i] = p.Eval(ctx, windowsSource+usageSource, []string{keys.Budget(token)}, 0)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up the budgets of tokens: %w", err)
	}
	all := make(map[string]Usage, len(tokens))
	for i, token := range tokens {
		numbers, err := replies[i].Int64Slice()
		if err != nil || len(numbers) != 2 {
			return nil, fmt.Errorf("look up the budget of token %q: %v", token, replies[i])
		}
		all[token] = Usage{int(numbers[0]), int(numbers[1])}
	}
	return all, nil
}

// Share is what is used of one limit.
type Share struct {
	Limit string `json:"limit"` // its name in the config
	Used  int    `json:"used"`
	Max   int    `json:"max"`
}

// Shares is the usage of each counted limit.
func (l Limits) Shares(used Usage) []Share {
	shares := []Share{}
	if l.PerMinute > 0 {
		shares = append(shares, Share{PerMinute, used.Messages, l.PerMinute})
	}
	if l.RecipientsPerDay > 0 {
		shares = append(shares, Share{RecipientsPerDay, used.Recipients, l.RecipientsPerDay})
	}
	return shares
}
