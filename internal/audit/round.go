package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
)

const (
	// roundPeriod is the time between two audits of an app, by whatever process.
	roundPeriod = 5 * time.Minute
	// roundSlowdown makes a round take a fifth of the time of one connection at most.
	roundSlowdown = 4
	// lastKept is how long the result of a round is shown.
	lastKept = 24 * time.Hour
)

// Round audits the apps that no process has audited for five minutes, and stores a result for each, for
// [Last]. One scan covers all of them, because a scan reads every key of Redis. It is deliberately slow:
// messages have precedence.
func (a *Auditor) Round(ctx context.Context) ([]Result, error) {
	mine := &Auditor{rdb: a.rdb, apps: map[string]App{}}
	for name, app := range a.apps {
		turn, err := a.takeLease(ctx, name)
		if err != nil {
			return nil, err
		}
		if turn {
			mine.apps[name] = app
		}
	}
	if len(mine.apps) == 0 {
		return nil, nil
	}
	whole, err := mine.Audit(ctx, Options{Slowdown: roundSlowdown, sumsOnly: true, OnPage: mine.keepLeases(ctx)})
	if err != nil {
		return nil, err
	}
	results := whole.byApp()
	for _, result := range results {
		if err := a.save(ctx, result.Apps[0].App, result); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// takeLease reports whether this process audits the app now. The lease ends by itself, so
// nobody waits for a process that has died.
func (a *Auditor) takeLease(ctx context.Context, app string) (bool, error) {
	err := a.rdb.SetArgs(ctx, keys.AuditLease(app), 1, redis.SetArgs{Mode: "NX", TTL: roundPeriod}).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take the lease to audit %s: %w", app, err)
	}
	return true, nil
}

// keepLeases renews the leases of an audit that is longer than the period.
func (a *Auditor) keepLeases(ctx context.Context) func(int) {
	kept := time.Now()
	return func(int) {
		if time.Since(kept) < roundPeriod/5 {
			return
		}
		kept = time.Now()
		for name := range a.apps {
			a.rdb.PExpire(ctx, keys.AuditLease(name), roundPeriod) // a failure costs a second audit at most
		}
	}
}

func (a *Auditor) save(ctx context.Context, app string, result Result) error {
	data, err := json.Marshal(result)
	if err == nil {
		err = a.rdb.Set(ctx, keys.Audit(app), data, lastKept).Err()
	}
	if err != nil {
		return fmt.Errorf("keep the audit of %s: %w", app, err)
	}
	return nil
}

// Last are the last audits of apps that a process made by itself, in one round trip; nil for an
// app without one within a day.
func Last(ctx context.Context, rdb redis.UniversalClient, apps ...string) ([]*Result, error) {
	replies := make([]*redis.StringCmd, len(apps))
	_, _ = rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each reply has its own error
		for i, app := range apps {
			replies[i] = p.Get(ctx, keys.Audit(app))
		}
		return nil
	})
	results := make([]*Result, len(apps))
	for i, reply := range replies {
		data, err := reply.Bytes()
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, &results[i])
		}
		if err != nil {
			return nil, fmt.Errorf("read the last audit of %s: %w", apps[i], err)
		}
	}
	return results, nil
}
