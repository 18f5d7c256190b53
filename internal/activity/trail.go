package activity

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/cut"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/internal/keys"
)

const (
	// kept is how many acts the trail keeps, about 2 MB.
	kept = 10_000
	// maxText bounds each text of an act, in bytes.
	maxText = 300
	// writeTime bounds how long recording an act may take.
	writeTime = 2 * time.Second
	// page is how many acts are read in one round trip.
	page = 500
	// followTime is how long a read of Redis waits for the next act.
	followTime = time.Second
)

// Trail is the trail of all apps of a Redis. It is safe for concurrent use.
type Trail struct {
	rdb redis.UniversalClient
	log zerolog.Logger
}

// New returns a trail. Each act except those of commands is also logged.
func New(rdb redis.UniversalClient, log zerolog.Logger) *Trail { return &Trail{rdb, log} }

// write adds an act, with Redis's time, even if the client has gone.
func (t *Trail) write(ctx context.Context, a Act) {
	for _, text := range []*string{&a.Actor, &a.From, &a.App, &a.Target, &a.Error} {
		*text = cut.Bytes(*text, maxText)
	}
	if a.Via != Command { // whoever gave it sees what it did
		t.logAct(a)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	err := t.rdb.XAdd(ctx, &redis.XAddArgs{
		Stream: keys.Activity(), MaxLen: kept, Approx: true,
		Values: []any{
			"actor", a.Actor, "via", a.Via, "from", a.From, "action", string(a.Action), "app", a.App, "target", a.Target, "error", a.Error,
		},
	}).Err()
	if err != nil {
		t.log.Error().Err(err).Str("action", string(a.Action)).Msg("this action is missing from the activity trail")
	}
}

func (t *Trail) logAct(a Act) {
	event := t.log.Info().Str("actor", a.Actor).Str("via", a.Via).Str("action", string(a.Action))
	for name, value := range map[string]string{"remote": a.From, fields.App: a.App, "target": a.Target, "error": a.Error} {
		if value != "" {
			event = event.Str(name, value)
		}
	}
	event.Msg("activity")
}

// Query chooses acts; the zero value chooses all.
type Query struct {
	Since  time.Time // by Redis's clock
	App    string
	Actor  string
	Action Action // or the part before its dot, such as "app"
	// Visible reports whether acts on an app may be seen; "" means acts on no app. nil shows all.
	Visible func(app string) bool
}

func (q Query) matches(a Act) bool {
	return (q.App == "" || q.App == a.App) && (q.Actor == "" || q.Actor == a.Actor) &&
		(q.Action == "" || a.Action.is(string(q.Action))) && (q.Visible == nil || q.Visible(a.App))
}

// Newest returns up to limit of the newest acts that match, newest first.
func (t *Trail) Newest(ctx context.Context, q Query, limit int) ([]Act, error) {
	var acts []Act
	end, begin := "+", idAt(q.Since)
	for {
		entries, err := t.rdb.XRevRangeN(ctx, keys.Activity(), end, begin, page).Result()
		if err != nil {
			return nil, fmt.Errorf("read the activity: %w", err)
		}
		for _, entry := range entries {
			if act := read(entry); q.matches(act) {
				acts = append(acts, act)
			}
			if len(acts) == limit {
				return acts, nil
			}
		}
		if len(entries) < page {
			return acts, nil
		}
		end = "(" + entries[page-1].ID
	}
}

// Follow yields the acts that match, oldest first, from q.Since or from now on, until ctx ends. After an
// error it continues where it was.
func (t *Trail) Follow(ctx context.Context, q Query) iter.Seq2[Act, error] {
	last := "$"
	if !q.Since.IsZero() {
		last = idAt(q.Since)
	}
	return func(yield func(Act, error) bool) {
		for ctx.Err() == nil {
			entries, err := t.next(ctx, &last)
			if err != nil && ctx.Err() == nil && !yield(Act{}, fmt.Errorf("follow the activity: %w", err)) {
				return
			}
			for _, entry := range entries {
				if act := read(entry); q.matches(act) && !yield(act, nil) {
					return
				}
			}
		}
	}
}

// next waits for what comes after an entry. "$" is the newest one.
func (t *Trail) next(ctx context.Context, last *string) ([]redis.XMessage, error) {
	if *last == "$" { // asked again, it would leave out what came in between
		newest, err := t.rdb.XRevRangeN(ctx, keys.Activity(), "+", "-", 1).Result()
		if err != nil {
			return nil, err
		}
		*last = "0"
		if len(newest) > 0 {
			*last = newest[0].ID
		}
	}
	streams, err := t.rdb.XRead(ctx, &redis.XReadArgs{Streams: []string{keys.Activity(), *last}, Count: page, Block: followTime}).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	entries := streams[0].Messages
	*last = entries[len(entries)-1].ID
	return entries, nil
}

func read(entry redis.XMessage) Act {
	text := func(name string) string {
		s, _ := entry.Values[name].(string)
		return s
	}
	ms, _, _ := strings.Cut(entry.ID, "-")
	at, _ := strconv.ParseInt(ms, 10, 64)
	return Act{
		At: time.UnixMilli(at).UTC(), Actor: text("actor"), Via: text("via"), From: text("from"), Action: Action(text("action")),
		App: text("app"), Target: text("target"), Error: text("error"),
	}
}

// idAt is the id before all entries of a moment, "-" for the first entry.
func idAt(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return strconv.FormatInt(at.UnixMilli(), 10)
}

// ParseAction checks an action, or the part before the dot of several.
func ParseAction(text string) (Action, error) {
	if !slices.ContainsFunc(Actions(), func(a Action) bool { return a.is(text) }) {
		return "", fmt.Errorf("%q is no action; there are %v", text, Actions())
	}
	return Action(text), nil
}
