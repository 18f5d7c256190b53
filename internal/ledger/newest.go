package ledger

import (
	"context"

	"github.com/wecomq/wecomq/tasks"
)

// Newest are the records found for a page, newest change first.
type Newest struct {
	Records []tasks.Record
	// Looked counts the records that were read; More is set if there are older ones that were not.
	Looked int
	More   bool
}

// Bounds limit the search for a page.
type Bounds struct {
	Found  int // records to find at most; at least 1
	Looked int // records to read at most; at least 1
}

// Newest finds the newest matching records. A record that changes meanwhile may be missed until the next call.
func (l *Ledger) Newest(ctx context.Context, q Query, b Bounds) (Newest, error) {
	var found Newest
	var behind Place
	for found.Looked < b.Looked {
		places, err := l.Places(ctx, All, q, behind, min(pageSize, b.Looked-found.Looked))
		if err != nil || len(places) == 0 {
			return found, err
		}
		records, err := l.Read(ctx, IDs(places))
		if err != nil {
			return found, err
		}
		for _, record := range records {
			if !q.Match(record) {
				continue
			}
			if len(found.Records) == b.Found {
				found.More = true
				return found, nil
			}
			found.Records = append(found.Records, record)
		}
		found.Looked, behind = found.Looked+len(places), places[len(places)-1]
	}
	found.More = true
	return found, nil
}
