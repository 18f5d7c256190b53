// Package audit checks that every enqueued recipient has an outcome or is still waiting for one, and that
// every unfinished message is in a queue. It reads Redis only, page by page, so its memory does not grow with
// the number of messages.
package audit

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/ledger"
)

// App is an app to audit.
type App struct {
	Name      string
	Ledger    *ledger.Ledger
	RecordTTL time.Duration // how long its records are kept
}

// Options are those of one audit. All are optional.
type Options struct {
	// Since and Until bound the time of the messages' last change. With a bound, messages are only found
	// while the ledger keeps their records.
	Since, Until time.Time
	// OnPage is called for each page with its number of messages.
	OnPage func(messages int)
	// OnFinding is called with each finding; an error ends the audit.
	OnFinding func(Finding) error
	// Slowdown, times the time that a page took, is the pause after it.
	Slowdown int

	// sumsOnly compares only the sums of a broadcast with each other, not with its calls.
	sumsOnly bool
}

// Auditor audits apps.
type Auditor struct {
	rdb  redis.UniversalClient
	apps map[string]App
}

// New returns an auditor of some apps.
func New(rdb redis.UniversalClient, apps ...App) *Auditor {
	a := &Auditor{rdb: rdb, apps: make(map[string]App, len(apps))}
	for _, app := range apps {
		a.apps[app.Name] = app
	}
	return a
}

// pageSize is how many records are in memory at once: a few megabytes if each has a thousand recipients.
const pageSize = 500

// run is one audit.
type run struct {
	*Auditor
	Options

	result Result
	sums   map[string]*Sums
}

// Audit adds up the outcomes of all recipients, and reports inconsistent messages. A message that changes
// during the audit is counted once, twice or not at all, but is not reported: the queue and the record of
// each suspect are checked again.
func (a *Auditor) Audit(ctx context.Context, o Options) (Result, error) {
	now, err := a.rdb.Time(ctx).Result()
	if err != nil {
		return Result{}, fmt.Errorf("ask Redis for the time: %w", err)
	}
	r := &run{Auditor: a, Options: o, sums: map[string]*Sums{}, result: Result{
		At: now.UTC().Truncate(time.Millisecond), Since: o.Since.UTC(), Until: o.Until.UTC(), Findings: []Finding{},
	}}
	for name := range a.apps {
		r.sums[name] = &Sums{App: name}
	}
	for _, step := range []func(context.Context) error{r.records, r.waiting, r.broadcasts} {
		if err := step(ctx); err != nil {
			return Result{}, fmt.Errorf("audit: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.sums)) {
		r.result.Apps = append(r.result.Apps, *r.sums[name])
	}
	return r.result, nil
}

// bounded reports whether the audit covers only part of the time.
func (r *run) bounded() bool { return !r.Since.IsZero() || !r.Until.IsZero() }

// appPattern is a Redis pattern that matches the names of all apps.
func (r *run) appPattern() string {
	if len(r.apps) == 1 {
		for name := range r.apps {
			return name
		}
	}
	return "*"
}

// page does the work on one page, then rests.
func (r *run) page(ctx context.Context, messages int, work func() error) error {
	began := time.Now()
	if err := work(); err != nil {
		return err
	}
	if r.OnPage != nil {
		r.OnPage(messages)
	}
	if r.Slowdown == 0 {
		return nil
	}
	select {
	case <-time.After(time.Since(began) * time.Duration(r.Slowdown)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// report adds a finding.
func (r *run) report(f Finding) error {
	r.result.Imbalance++
	r.sums[f.App].Imbalance++
	if len(r.result.Findings) < MaxFindings {
		r.result.Findings = append(r.result.Findings, f)
	}
	if r.OnFinding != nil {
		return r.OnFinding(f)
	}
	return nil
}
