package pacing

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redisconn"
)

// The states of an app.
const (
	Running   = "running"
	Paused    = "paused"    // manually, until it is resumed
	Penalty   = "penalty"   // WeCom has blocked it (45009)
	Suspended = "suspended" // a setting is wrong and must be corrected
	// Unavailable is the state of an app that WeCom does not answer: WeCom cannot be reached, or is too slow.
	Unavailable = "unavailable"
)

// Status is an app's state as all workers see it.
type Status struct {
	State  string
	Reason string        // why the app is blocked
	Left   time.Duration // until the next call of a blocked app
	// Rate is the effective share of the configured calls per minute, and Concurrency that of the calls in flight:
	// WeCom's 45009 and 45033 lower them.
	Rate        float64
	Concurrency float64
	Used        int           // recipients reached today in China
	Midnight    time.Duration // until that day ends
}

// Status reads the state of the app.
func (p *Pacer) Status(ctx context.Context) (Status, error) {
	statuses, err := look(ctx, p.rdb, p.now(), p.cfg.App)
	if err != nil {
		return Status{}, err
	}
	return statuses[0], nil
}

// Look reads the states of apps, all in one round trip.
func Look(ctx context.Context, rdb redis.UniversalClient, apps ...string) ([]Status, error) {
	return look(ctx, rdb, 0, apps...)
}

// look reads the states at a time in ms; 0 is Redis TIME.
func look(ctx context.Context, rdb redis.UniversalClient, now int64, apps ...string) ([]Status, error) {
	calls := make([]redisconn.ScriptCall, len(apps))
	for i, app := range apps {
		calls[i] = redisconn.ScriptCall{Keys: []string{keys.Pace(app), keys.Quota(app, "")}, Args: []any{now}}
	}
	replies, err := redisconn.RunAll(ctx, rdb, statusScript, calls)
	statuses := make([]Status, len(replies))
	for i, reply := range replies {
		if err == nil {
			statuses[i], err = readStatus(reply)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of %d apps: %w", len(apps), err)
	}
	return statuses, nil
}

func readStatus(cmd *redis.Cmd) (Status, error) {
	const values = 9
	reply, err := cmd.StringSlice()
	if err != nil {
		return Status{}, err
	}
	if len(reply) != values {
		return Status{}, fmt.Errorf("%d values, want %d", len(reply), values)
	}
	left, leftErr := duration(reply[2])
	rate, rateErr := strconv.ParseFloat(reply[5], 64)
	concurrency, concurrencyErr := strconv.ParseFloat(reply[6], 64)
	used, usedErr := strconv.Atoi(reply[7])
	midnight, midnightErr := duration(reply[8])
	s := Status{State: Running, Rate: rate, Concurrency: concurrency, Used: used, Midnight: midnight}
	if block := reply[1]; block != "" {
		s.State, s.Reason, s.Left = block, reply[3], left
	}
	if reply[0] != "" {
		s.State, s.Left = Paused, 0
	}
	return s, errors.Join(leftErr, rateErr, concurrencyErr, usedErr, midnightErr)
}

// Pause stops the app until [Pacer.Resume]; calls in flight are completed.
func (p *Pacer) Pause(ctx context.Context) error {
	if err := p.rdb.HSet(ctx, keys.Pace(p.cfg.App), "paused", 1).Err(); err != nil {
		return fmt.Errorf("pause app %s: %w", p.cfg.App, err)
	}
	return nil
}

// Resume ends a pause and any block.
func (p *Pacer) Resume(ctx context.Context) error {
	err := p.rdb.HDel(ctx, keys.Pace(p.cfg.App), "paused", "block", "block_until", "block_reason", "level", "probe_until",
		"unanswered").Err()
	if err != nil {
		return fmt.Errorf("resume app %s: %w", p.cfg.App, err)
	}
	return nil
}

// ResetRate discards what was learnt from 45009 and 45033: the app returns to its configured rate and concurrency.
func (p *Pacer) ResetRate(ctx context.Context) error {
	err := p.rdb.HDel(ctx, keys.Pace(p.cfg.App), "rate", "rate_at", "concurrency", "concurrency_at").Err()
	if err != nil {
		return fmt.Errorf("reset the rate of app %s: %w", p.cfg.App, err)
	}
	return nil
}
