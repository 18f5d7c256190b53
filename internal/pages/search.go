package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// maxQuery bounds what is searched for, in bytes; a msgid has about a hundred.
	maxQuery = 256
	// searchLooked is how many records of an app a search reads.
	searchLooked = 20_000
	// listed is how many messages a list contains.
	listed = 50
)

// found is a list of messages.
type found struct {
	Records []tasks.Record
	More    bool // there are older ones
	Looked  int  // through this many
	App     string
	Apps    []string // to choose from
	State   tasks.State
	States  []tasks.State
	Dead    bool // they are dead letters
	// Broadcasts that have the recipient, and what became of them there.
	Broadcasts []broadcast.Found
}

// search finds a message by its id or msgid and goes there, or lists messages and broadcasts
// to a recipient; without anything to search for, the newest messages.
func (p *Pages) search(w http.ResponseWriter, r *http.Request) error {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	query = strings.ToValidUTF8(query[:min(len(query), maxQuery)], "") // it is shown again
	apps := p.mine(gateway.IdentityFrom(r.Context()))
	if id := tasks.MessageID(query); tasks.IsBroadcast(id) {
		http.Redirect(w, r, broadcastPath(id), http.StatusSeeOther) //nolint:gosec // broadcastPath is one of this host
		return nil
	}
	if query != "" {
		id, err := find(r.Context(), apps, query)
		if err != nil {
			return err
		}
		if id != "" {
			http.Redirect(w, r, "/messages/"+url.PathEscape(id), http.StatusSeeOther)
			return nil
		}
		call, err := findCall(r.Context(), apps, query)
		if err != nil {
			return err
		}
		if call != nil {
			http.Redirect(w, r, broadcastPath(call.Broadcast.ID)+"?recipient="+url.QueryEscape(query), http.StatusSeeOther)
			return nil
		}
	}
	list, err := p.list(r, apps, ledger.Query{Recipient: query}, Records.Newest)
	if err != nil {
		return err
	}
	if list.Broadcasts, err = broadcastsTo(r.Context(), apps, list.App, query); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "search", view{Query: query, Live: query == "", Data: list})
}

// broadcastsTo are the broadcasts of all apps, or of the one that is chosen, to a recipient.
func broadcastsTo(ctx context.Context, apps []*watched, chosen, recipient string) (all []broadcast.Found, err error) {
	if recipient == "" || mayBeMsgID(recipient) {
		return nil, nil
	}
	for _, app := range apps {
		if chosen != "" && chosen != app.Name {
			continue
		}
		found, err := app.Broadcasts.FindRecipient(ctx, recipient)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b broadcast.Found) int { return b.Broadcast.CreatedAt.Compare(a.Broadcast.CreatedAt) })
	return all, nil
}

// dead shows the dead letters.
func (p *Pages) dead(w http.ResponseWriter, r *http.Request) error {
	list, err := p.list(r, p.mine(gateway.IdentityFrom(r.Context())), ledger.Query{}, Records.NewestDead)
	if err != nil {
		return err
	}
	list.Dead = true
	return p.render(w, r, http.StatusOK, "dead", view{Live: true, Data: list})
}

// find returns the id of the message with this id or msgid, "" if there is none.
func find(ctx context.Context, apps []*watched, query string) (string, error) {
	name, err := tasks.AppOf(query)
	for _, app := range apps {
		var record tasks.Record
		switch {
		case err == nil && app.Name == name:
			record, err = app.Finder.Message(ctx, tasks.MessageID(query))
		case err == nil:
			continue
		default:
			if record, err := app.Finder.ByMsgID(ctx, query); err == nil {
				return record.ID, nil
			} else if !errors.Is(err, lookup.ErrNotFound) {
				return "", err
			}
			continue
		}
		if errors.Is(err, lookup.ErrNotFound) {
			return "", nil
		}
		return record.ID, err
	}
	return "", nil
}

// mayBeMsgID tells a msgid, which has over 80 characters, from a userid, which has up to 64.
func mayBeMsgID(query string) bool { return len(query) > 64 }

// findCall returns the call of a broadcast with this msgid, nil if there is none.
func findCall(ctx context.Context, apps []*watched, query string) (*broadcast.FoundCall, error) {
	if !mayBeMsgID(query) {
		return nil, nil
	}
	for _, app := range apps {
		if call, err := app.Broadcasts.FindMsgID(ctx, query); call != nil || err != nil {
			return call, err
		}
	}
	return nil, nil
}

// look is one of the ways to look through records.
type look func(Records, context.Context, ledger.Query, ledger.Bounds) (ledger.Newest, error)

// list looks through the records of all apps, or of the one that is chosen.
func (p *Pages) list(r *http.Request, apps []*watched, query ledger.Query, look look) (found, error) {
	f := found{States: []tasks.State{
		tasks.Sending, tasks.Held, tasks.Queued, tasks.Accepted, tasks.Partial, tasks.Rejected, tasks.Unknown, tasks.Expired, tasks.Cancelled,
	}}
	if state := tasks.State(r.URL.Query().Get("state")); slices.Contains(f.States, state) {
		f.State, query.States = state, []tasks.State{state}
	}
	chosen := r.URL.Query().Get("app")
	for _, app := range apps {
		f.Apps = append(f.Apps, app.Name)
		if chosen == app.Name {
			f.App = chosen
		}
	}
	for _, app := range apps {
		if f.App != "" && f.App != app.Name {
			continue
		}
		newest, err := look(app.Records, r.Context(), query, ledger.Bounds{Found: listed, Looked: searchLooked})
		if err != nil {
			return f, err
		}
		f.Records = append(f.Records, newest.Records...)
		f.Looked += newest.Looked
		f.More = f.More || newest.More
	}
	f.cut()
	return f, nil
}

// cut keeps only the newest of all apps.
func (f *found) cut() {
	slices.SortStableFunc(f.Records, func(a, b tasks.Record) int { return changed(b).Compare(changed(a)) })
	if len(f.Records) > listed {
		f.Records, f.More = f.Records[:listed], true
	}
}
