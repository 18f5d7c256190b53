package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

const (
	// maxQuery limits the text of a search, in bytes; a msgid has about a hundred.
	maxQuery = 256
	// searchLooked is how many messages are read for a page of a search.
	searchLooked = 20_000
	// listed is how many messages a list contains.
	listed = 50
)

// found is a list of messages.
type found struct {
	Records []line
	Older   string // where the list continues, "" at its end
	App     string
	Apps    []string // to choose from
	State   tasks.State
	States  []tasks.State
	Code    *int64 // of the messages to list; nil for any
	// Broadcasts that have the recipient, with the recipient's state.
	Broadcasts []broadcast.Found
}

// search finds a message by its id, msgid or idempotency key and redirects to it, or lists messages and
// broadcasts to a recipient; without a query, it lists the newest messages.
func (p *Pages) search(w http.ResponseWriter, r *http.Request) error {
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	query = strings.ToValidUTF8(query[:min(len(query), maxQuery)], "") // it is shown again
	apps := p.mine(gateway.IdentityFrom(r.Context()))
	id := tasks.MessageID(query)
	if _, err := tasks.AppOf(id); err == nil && tasks.IsBroadcast(id) { // a msgid may look like one, except for the app
		http.Redirect(w, r, broadcastPath(id), http.StatusSeeOther) //nolint:gosec // broadcastPath is one of this host
		return nil
	}
	path, err := p.directly(r.Context(), apps, query)
	if err != nil {
		return err
	}
	if path != "" {
		http.Redirect(w, r, path, http.StatusSeeOther) //nolint:gosec // a path of this host
		return nil
	}
	list, err := p.list(r, apps, lookup.Query{Query: ledger.Query{Recipient: query}, Index: ledger.All})
	if err != nil {
		return err
	}
	if list.Broadcasts, err = broadcastsTo(r.Context(), apps, list.App, query); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "search", view{Query: query, Live: query == "" && isFirst(r), Data: list})
}

// directly is the path of the message, or call of a broadcast, with this id, msgid or idempotency key; "" if
// there is none.
func (p *Pages) directly(ctx context.Context, apps []*watched, query string) (string, error) {
	if query == "" {
		return "", nil
	}
	id, err := find(ctx, apps, query)
	if err == nil && id == "" {
		id, err = p.findKey(ctx, apps, query)
	}
	if err != nil {
		return "", err
	}
	if id != "" {
		return messagePath(id), nil
	}
	call, err := findCall(ctx, apps, query)
	if err != nil || call == nil {
		return "", err
	}
	return broadcastPath(call.Broadcast.ID) + "?recipient=" + url.QueryEscape(query), nil
}

// broadcastsTo are the broadcasts of all apps, or of the chosen one, to a recipient.
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

// findKey returns the id of the message that the command line or one of the tokens enqueued under this
// idempotency key; "" if there is none.
func (p *Pages) findKey(ctx context.Context, apps []*watched, key string) (string, error) {
	for _, app := range apps {
		for _, owner := range config.KeyOwners(p.tokens.Load().All, app.Name) {
			record, err := app.Finder.ByKey(ctx, owner, key)
			if err == nil {
				return record.ID, nil
			}
			if !isNotFound(err) {
				return "", err
			}
		}
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

// isFirst reports whether a request is for the beginning of a list.
func isFirst(r *http.Request) bool { return r.URL.Query().Get("cursor") == "" }

// list lists messages of all apps, or of the chosen one.
func (p *Pages) list(r *http.Request, apps []*watched, query lookup.Query) (found, error) {
	f := found{States: []tasks.State{
		tasks.Scheduled, tasks.Sending, tasks.Held, tasks.Queued, tasks.Accepted, tasks.Partial, tasks.Rejected, tasks.Unknown, tasks.Expired, tasks.Cancelled,
	}}
	asked := r.URL.Query()
	if state := tasks.State(asked.Get("state")); slices.Contains(f.States, state) {
		f.State, query.States = state, []tasks.State{state}
	}
	if code, err := strconv.ParseInt(asked.Get("errcode"), 10, 64); err == nil {
		f.Code, query.ErrCode = &code, &code
	}
	for _, app := range apps {
		f.Apps = append(f.Apps, app.Name)
		if asked.Get("app") == app.Name {
			f.App = app.Name
		}
	}
	var finders []*lookup.Finder
	for _, app := range apps {
		if f.App == "" || f.App == app.Name {
			finders = append(finders, app.Finder)
		}
	}
	query.Cursor, _ = lookup.ParseCursor(asked.Get("cursor")) // an invalid one starts the list again
	query.Limit, query.Look = listed, searchLooked
	page, err := lookup.List(r.Context(), finders, query)
	if err != nil {
		return f, err
	}
	if f.Records, err = lines(r.Context(), apps, page.Records); err != nil {
		return f, err
	}
	if next := page.Next.String(); next != "" {
		asked.Set("cursor", next)
		asked.Del("part")
		f.Older = "?" + asked.Encode()
	}
	return f, nil
}
