package daemon

import (
	"context"
	"reflect"
	"slices"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/notify"
)

// notifying notifies the receivers of the config of the outcomes of the apps that this process's worker
// serves.
type notifying struct {
	names     []string // of the apps, empty for all
	receivers []notify.Receiver
	notifier  *notify.Notifier
	next      chan *notify.Notifier // after a reload
}

func newNotifying(d *Deployment, names []string) (*notifying, error) {
	n := &notifying{names: names, next: make(chan *notify.Notifier, 1)}
	n.receivers = receivers(d.Config, names)
	var err error
	n.notifier, err = d.notifier(n.receivers)
	return n, err
}

// run notifies them until ctx ends.
func (n *notifying) run(ctx context.Context) {
	for current := n.notifier; current != nil; {
		current = n.runOne(ctx, current)
	}
}

// runOne runs a notifier until there is another, which it returns; nil when ctx ends.
func (n *notifying) runOne(ctx context.Context, current *notify.Notifier) (next *notify.Notifier) {
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		current.Run(ctx)
	}()
	select {
	case next = <-n.next:
	case <-ctx.Done():
	}
	stop()
	<-stopped
	return next
}

// prepare implements [reloadable]. Unchanged receivers are not affected.
func (n *notifying) prepare(d *Deployment) (apply func(), err error) {
	now := receivers(d.Config, n.names)
	if reflect.DeepEqual(now, n.receivers) {
		return func() {}, nil
	}
	notifier, err := d.notifier(now)
	if err != nil {
		return nil, err
	}
	return func() {
		n.receivers = now
		select {
		case <-n.next: // one that was never run
		default:
		}
		n.next <- notifier
	}, nil
}

func (d *Deployment) notifier(receivers []notify.Receiver) (*notify.Notifier, error) {
	for _, r := range receivers {
		d.metrics.InitNotifySeries(r.App)
	}
	return notify.New(notify.Config{
		Redis: d.rdb, Receivers: receivers, OnResult: d.metrics.Notified, Logger: d.log,
		Ledger: func(app string) *ledger.Ledger { return d.Ledger(d.Config.Apps[app]) },
	})
}

// receivers are those of some apps, of all if none is named, and of their tokens.
func receivers(cfg *config.Config, names []string) []notify.Receiver {
	var all []notify.Receiver
	add := func(app, token string, n config.Notify) {
		if n.URL != "" {
			all = append(all, notify.Receiver{App: app, Token: token, URL: n.URL, Secret: n.Secret, Internal: n.Internal})
		}
	}
	for _, name := range cfg.AppNames() {
		app := cfg.Apps[name]
		if len(names) > 0 && !slices.Contains(names, app.Name) {
			continue
		}
		add(app.Name, "", app.Notify)
		for _, token := range cfg.Gateway.Tokens {
			if slices.Contains(token.Apps, app.Name) {
				add(app.Name, token.Name, token.Notify)
			}
		}
	}
	return all
}
