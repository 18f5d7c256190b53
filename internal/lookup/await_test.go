package lookup_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

// looks answers one look-up after the other, and repeats the last.
type looks []struct {
	state tasks.State
	err   error
}

func (l *looks) find(_ context.Context, id string) (tasks.Record, error) {
	look := (*l)[0]
	if len(*l) > 1 {
		*l = (*l)[1:]
	}
	return tasks.Record{ID: id, State: look.state}, look.err
}

// refused is an error of Redis that is not an outage.
type refused string

func (r refused) Error() string { return string(r) }
func (refused) RedisError()     {}

func TestAwaitingTheEndOfAMessage(t *testing.T) {
	t.Parallel()
	const wrongType = refused("WRONGTYPE")
	for name, tc := range map[string]struct {
		looks looks
		want  tasks.State
		err   error
		noted []error
		after time.Duration
	}{
		"it has ended": {looks: looks{{state: tasks.Rejected}}, want: tasks.Rejected, noted: []error{nil}},
		"it ends": {
			looks: looks{{state: tasks.Queued}, {state: tasks.Accepted}}, want: tasks.Accepted,
			noted: []error{nil, nil}, after: 20 * time.Millisecond,
		},
		"Redis is away meanwhile": {
			looks: looks{{err: io.EOF}, {err: io.EOF}, {state: tasks.Accepted}}, want: tasks.Accepted,
			noted: []error{io.EOF, io.EOF, nil}, after: 60 * time.Millisecond,
		},
		"nobody knows it":   {looks: looks{{err: lookup.ErrNotFound}}, err: lookup.ErrNotFound},
		"it cannot be read": {looks: looks{{err: wrongType}}, err: wrongType},
		"its record expires": {
			looks: looks{{state: tasks.Held}, {err: lookup.ErrNotFound}}, want: tasks.Held, err: lookup.ErrNotFound,
			noted: []error{nil}, after: 20 * time.Millisecond,
		},
		"it does not end": {
			looks: looks{{state: tasks.Sending}}, want: tasks.Sending, err: context.DeadlineExceeded,
			noted: []error{nil, nil, nil}, after: 100 * time.Millisecond,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				begun := time.Now()
				var noted []error
				record, err := lookup.Await(ctx, "ops-1", tc.looks.find, func(err error) { noted = append(noted, err) })
				if record.ID != "ops-1" || record.State != tc.want || !errors.Is(err, tc.err) || !slices.Equal(noted, tc.noted) || time.Since(begun) != tc.after {
					t.Errorf("%+v, %v after %s, noted %v", record, err, time.Since(begun), noted)
				}
			})
		})
	}
}
