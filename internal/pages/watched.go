package pages

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// stateAge and hourAge are the maximum ages of cached data. All browsers share one read of Redis, of all apps or
	// of the hour of one.
	stateAge = time.Second
	hourAge  = 5 * time.Second
	// hourRecords is how many records of the last hour are read.
	hourRecords = 5000
)

// watchedApps are all apps, with their cached state.
type watchedApps struct {
	states States
	byName map[string]*watched
	status seen[map[string]apps.Status]
}

// watched is an app with its cached state.
type watched struct {
	App

	hour       seen[hour]
	dead       seen[[]deadGroup]
	broadcasts seen[[]listedBroadcast]
}

// statuses are the states of all apps, by name.
func (w *watchedApps) statuses(ctx context.Context) (map[string]apps.Status, error) {
	return w.status.get(ctx, stateAge, func(ctx context.Context) (map[string]apps.Status, error) {
		all, err := w.states.Statuses(ctx, slices.Sorted(maps.Keys(w.byName))...)
		byName := make(map[string]apps.Status, len(all))
		for _, status := range all {
			byName[status.App] = status
		}
		return byName, err
	})
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

// hour summarizes the messages that changed in the last hour.
type hour struct {
	States map[tasks.State]int
	Errors []failure // most frequent first
	More   bool      // there were more messages than were read
}

// failure is a reason why messages were not accepted.
type failure struct {
	Code    wecom.Code // 0: see State
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
