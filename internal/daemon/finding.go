package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/lookup"
	"github.com/wecomq/wecomq/tasks"
)

// Find finds a message by its id.
func (d *Deployment) Find(ctx context.Context, id string) (tasks.Record, error) {
	app, err := d.AppOf(id)
	if err != nil {
		return tasks.Record{}, err
	}
	return d.Finder(app).Message(ctx, tasks.MessageID(id))
}

// FindMsgID finds a message of one of the apps by WeCom's msgid. If that is of a call of a
// broadcast, the error says so.
func (d *Deployment) FindMsgID(ctx context.Context, apps []*config.App, msgid string) (tasks.Record, error) {
	for _, app := range apps {
		record, err := d.Finder(app).ByMsgID(ctx, msgid)
		if !errors.Is(err, lookup.ErrNotFound) {
			return record, err
		}
	}
	for _, app := range apps { // the calls of broadcasts take longer
		call, err := d.Broadcasts(app).FindMsgID(ctx, msgid)
		if err != nil {
			return tasks.Record{}, err
		}
		if call != nil {
			return tasks.Record{}, fmt.Errorf("msgid %s: a call to %d recipients of broadcast %s: see 'wecomq broadcast report %s --msgid %s'",
				msgid, len(call.Rows), call.Broadcast.ID, call.Broadcast.ID, msgid)
		}
	}
	return tasks.Record{}, fmt.Errorf("msgid %s: %w", msgid, lookup.ErrNotFound)
}

// FindKey finds a message of one of the apps by its idempotency key. If several senders have
// used it, that is a [*config.Error], which names the messages.
func (d *Deployment) FindKey(ctx context.Context, apps []*config.App, key string) (tasks.Record, error) {
	var found []tasks.Record
	for _, app := range apps {
		for _, owner := range config.KeyOwners(d.Config.Gateway.Tokens, app.Name) {
			record, err := d.Finder(app).ByKey(ctx, owner, key)
			if err == nil {
				found = append(found, record)
			} else if !errors.Is(err, lookup.ErrNotFound) {
				return tasks.Record{}, err
			}
		}
	}
	switch len(found) {
	case 0:
		return tasks.Record{}, fmt.Errorf("idempotency key %q: %w", key, lookup.ErrNotFound)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, record := range found {
		ids[i] = record.ID
	}
	return tasks.Record{}, config.Errorf("idempotency key %q: several senders have used it, for %s; ask for one of these ids", key, strings.Join(ids, ", "))
}
