package submission

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/tasks"
)

func TestUnreadableFileEndsTheReading(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	for name, read := range map[string]func(io.Reader) error{
		"a message": func(in io.Reader) error { _, err := newTerms(t).File(t.Context(), in, "test.json"); return err },
		"a batch":   func(in io.Reader) error { _, err := newTerms(t).Lines(in, "test.json").Next(t.Context()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := read(io.MultiReader(strings.NewReader(`{"touser"`), iotest.ErrReader(broken)))
			_, fault := errors.AsType[*FaultError](err)
			if fault || !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "read test.json: ") {
				t.Errorf("error %v, want that test.json cannot be read", err)
			}
		})
	}
}

func TestEnvelopeComesBeforeTheFlags(t *testing.T) {
	t.Parallel()
	flags := tasks.Options{Priority: tasks.Bulk, Delay: time.Minute, ExpiresIn: time.Hour}
	at := time.Date(2026, 12, 1, 1, 3, 0, 0, time.UTC)
	tests := map[string]struct {
		members string
		want    tasks.Options
	}{
		"without members of ours the flags hold": {"", flags},
		"a time of its own replaces the delay": {
			`,"process_at":"2026-12-01T09:03:00+08:00"`,
			tasks.Options{Priority: tasks.Bulk, At: at, ExpiresIn: time.Hour},
		},
		"each member replaces its flag": {
			`,"priority":"critical","expires_in":"90s","idempotency_key":"k"`,
			tasks.Options{Priority: tasks.Critical, Delay: time.Minute, ExpiresIn: 90 * time.Second, IdempotencyKey: "k"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			terms := newTerms(t)
			terms.Options, terms.DuplicateCheck = flags, 60
			item, err := terms.File(t.Context(), strings.NewReader(strings.TrimSuffix(hello, "}")+tt.members+"}"), "test.json")
			if err != nil {
				t.Fatal(err)
			}
			m := item.Message
			m.Options.At = m.Options.At.UTC()
			if diff := cmp.Diff(tt.want, m.Options); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			common := m.Request.Common()
			if common.EnableDuplicateCheck != 1 || common.DuplicateCheckInterval != 60 {
				t.Errorf("duplicate check %d, interval %d; want what --duplicate-check says", common.EnableDuplicateCheck, common.DuplicateCheckInterval)
			}
		})
	}
}
