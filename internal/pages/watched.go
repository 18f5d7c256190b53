package pages

import (
	"context"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// stateAge and hourAge are how old what a page shows may be. All browsers that
	// look at an app share one look into Redis.
	stateAge = time.Second
	hourAge  = 5 * time.Second
	// hourRecords is how many records of the last hour are read.
	hourRecords = 5000
)

// watched is an app with its cached state.
type watched struct {
	App

	state      seen[appState]
	hour       seen[hour]
	broadcasts seen[[]listedBroadcast]
}

// seen is a cached value that is fetched once for all who need it.
type seen[T any] struct {
	mu    sync.Mutex
	at    time.Time
	value T
}

func (s *seen[T]) get(ctx context.Context, age time.Duration, fetch func(context.Context) (T, error)) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < age {
		return s.value, nil
	}
	value, err := fetch(ctx)
	if err == nil {
		s.value, s.at = value, time.Now()
	}
	return value, err
}

// forget discards the cached value.
func (s *seen[T]) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
}

// appState is the state of an app.
type appState struct {
	apps.Status

	Queues []apps.Queue
	Dead   int
	Audit  *lastAudit // nil if there was none within a day
}

// lastAudit is the last audit of an app.
type lastAudit struct {
	audit.Sums

	At       time.Time
	Findings []audit.Finding
}

func (a *watched) fetchState(ctx context.Context) (appState, error) {
	status, err := a.State.Status(ctx, a.Name)
	if err != nil {
		return appState{}, err
	}
	queues, err := a.Queues.Queues(ctx, a.Name)
	if err != nil {
		return appState{}, err
	}
	dead, err := a.Records.CountDead(ctx)
	if err != nil {
		return appState{}, err
	}
	last, err := a.fetchAudit(ctx)
	return appState{status, queues, dead, last}, err
}

func (a *watched) fetchAudit(ctx context.Context) (*lastAudit, error) {
	result, err := a.Audits.LastAudit(ctx, a.Name)
	if err != nil || result == nil || len(result.Apps) == 0 {
		return nil, err
	}
	return &lastAudit{result.Apps[0], result.At, result.Findings}, nil
}

// hour summarizes the messages that changed in the last hour.
type hour struct {
	States map[tasks.State]int
	Errors []failure // most frequent first
	More   bool      // there were more messages than were read
}

// failure is a reason why messages were not accepted.
type failure struct {
	Code    wecom.Code // 0: State says it
	State   tasks.State
	Count   int
	ErrMsg  string // of the newest
	Example string // its id
}

func (a *watched) fetchHour(ctx context.Context) (hour, error) {
	found, err := a.Records.Newest(ctx, ledger.Query{Since: time.Now().Add(-time.Hour)}, ledger.Bounds{Found: hourRecords, Looked: hourRecords})
	if err != nil {
		return hour{}, err
	}
	return summarize(found), nil
}
