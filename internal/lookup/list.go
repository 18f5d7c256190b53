package lookup

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// firstRead is how many records are read first, for queries with few matches; each further read is twice as
	// large, up to mostRead, which is a few megabytes if each record has a thousand recipients.
	firstRead = 32
	mostRead  = 500
	// placesRead bounds the places of all apps that are read at a time.
	placesRead = 20_000
	// appsAtOnce is how many apps are queried concurrently.
	appsAtOnce = 8
)

// Query selects messages. A message that was split is a record for each of its parts, as in the ledger; one that
// is looked up by MsgID or Key is whole.
type Query struct {
	ledger.Query // its time is that of the last change or, without an attempt, of enqueueing

	Index ledger.Index
	MsgID string // of WeCom; "" for any
	// Key is the idempotency key with which KeyOwner enqueued the message, "" for any.
	Key, KeyOwner string

	Cursor Cursor
	Limit  int // messages to find at most; at least 1
	Look   int // messages to read at most; at least 1
}

// mayBeUntried reports whether messages without an attempt can match.
func (q Query) mayBeUntried() bool {
	if q.Index != ledger.All && q.Index != "" || q.ErrCode != nil && *q.ErrCode != 0 {
		return false
	}
	return len(q.States) == 0 || slices.ContainsFunc(q.States, func(s tasks.State) bool { return !s.Final() })
}

// matchTimed reports whether a message matches that was not found by its time.
func (q Query) matchTimed(r tasks.Record) bool {
	changed := r.EnqueuedAt
	if !r.FinishedAt.IsZero() {
		changed = r.FinishedAt
	}
	early := !q.Since.IsZero() && changed.Before(q.Since)
	late := !q.Until.IsZero() && changed.After(q.Until)
	return !early && !late && q.Match(r)
}

// Page is a part of a list.
type Page struct {
	Records []tasks.Record
	Looked  int // messages that were read
	// Next is where the list continues, the zero Cursor at its end. There may be more even if the page is not full,
	// or empty: the number of messages read at a time is limited.
	Next Cursor
}

// List lists messages of some apps: first those without an attempt, then those with one, newest change first. A
// message that changes between two pages moves to the front of the list: it may be listed twice, or not until
// the next list.
func List(ctx context.Context, finders []*Finder, q Query) (Page, error) {
	if len(finders) == 0 {
		return Page{}, nil
	}
	finders = slices.SortedFunc(slices.Values(finders), func(a, b *Finder) int { return cmp.Compare(a.app, b.app) })
	if q.MsgID != "" || q.Key != "" {
		records, err := exactly(ctx, finders, q)
		return Page{Records: records, Looked: len(records)}, err
	}
	l := &lister{finders: finders, query: q, at: q.Cursor, size: min(firstRead, q.Limit+1)}
	return l.run(ctx)
}

// exactly looks up the one message of a msgid or key in each app.
func exactly(ctx context.Context, finders []*Finder, q Query) ([]tasks.Record, error) {
	var found []tasks.Record
	for _, f := range finders {
		record, err := f.exactly(ctx, q)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if q.matchTimed(record) {
			found = append(found, record)
		}
	}
	return found, nil
}

func (f *Finder) exactly(ctx context.Context, q Query) (record tasks.Record, err error) {
	if q.MsgID != "" {
		if record, err = f.ByMsgID(ctx, q.MsgID); err != nil || q.Key == "" {
			return record, err
		}
	}
	byKey, err := f.ByKey(ctx, q.KeyOwner, q.Key)
	if err == nil && q.MsgID != "" && byKey.ID != record.ID {
		err = ErrNotFound
	}
	return byKey, err
}

// lister makes one page.
type lister struct {
	finders []*Finder // by app
	query   Query
	page    Page
	at      Cursor
	size    int   // how many are read next
	counts  []int // tasks of the sources of all apps; nil until they are counted
	full    bool  // there is another match, but no room
}

func (l *lister) run(ctx context.Context) (Page, error) {
	if !l.query.mayBeUntried() {
		l.at.tried = true
	}
	for !l.full && l.page.Looked < l.query.Look {
		look := l.untried
		if l.at.tried {
			look = l.tried
		}
		ended, err := look(ctx)
		if err != nil || ended {
			return l.page, err
		}
		l.size = min(2*l.size, mostRead)
	}
	l.page.Next = l.at
	return l.page, nil
}

// offer adds a message to the page if it matches. It is false if there is no room.
func (l *lister) offer(r tasks.Record, chosen bool) bool {
	if chosen && len(l.page.Records) == l.query.Limit {
		l.full = true
		return false
	}
	if chosen {
		l.page.Records = append(l.page.Records, r)
	}
	l.page.Looked++
	return true
}

// spot is a place among the records of all apps.
type spot struct {
	ledger.Place

	finder int // index of its app's finder
}

// tried reads the next messages that have a record.
func (l *lister) tried(ctx context.Context) (ended bool, err error) {
	spots, err := l.spots(ctx, min(l.size, l.query.Look-l.page.Looked))
	if err != nil || len(spots) == 0 {
		return true, err
	}
	records, err := l.read(ctx, spots)
	if err != nil {
		return true, err
	}
	for _, s := range spots {
		record, found := records[s.ID]
		if !l.offer(record, found && l.query.Match(record)) {
			break
		}
		l.at.behind = s.Place
	}
	return false, nil
}

// spots are the next n spots.
func (l *lister) spots(ctx context.Context, n int) ([]spot, error) {
	n = min(n, max(1, placesRead/len(l.finders)))
	places := make([][]ledger.Place, len(l.finders))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(appsAtOnce)
	for i, f := range l.finders {
		group.Go(func() (err error) {
			places[i], err = f.ledger.Places(ctx, l.query.Index, l.query.Query, l.at.behind, n)
			return err
		})
	}
	err := group.Wait()
	var all []spot
	for i := range places {
		for _, place := range places[i] {
			all = append(all, spot{place, i})
		}
	}
	slices.SortFunc(all, func(a, b spot) int { return a.Compare(b.Place) })
	return all[:min(n, len(all))], err
}

// read reads the records at some spots that still exist, by their ids.
func (l *lister) read(ctx context.Context, spots []spot) (map[string]tasks.Record, error) {
	ids := make([][]string, len(l.finders))
	for _, s := range spots {
		ids[s.finder] = append(ids[s.finder], s.ID)
	}
	records := make([][]tasks.Record, len(l.finders))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(appsAtOnce)
	for i, f := range l.finders {
		if len(ids[i]) == 0 {
			continue
		}
		group.Go(func() (err error) {
			records[i], err = f.ledger.Read(ctx, ids[i])
			return err
		})
	}
	err := group.Wait()
	byID := make(map[string]tasks.Record, len(spots))
	for _, record := range slices.Concat(records...) {
		byID[record.ID] = record
	}
	return byID, err
}
