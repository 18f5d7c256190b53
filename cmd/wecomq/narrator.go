package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/internal/locale"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// quietly is how long nothing is printed: most messages have ended by then.
	quietly = time.Second
	// narratePeriod is how often the reason is looked up, which costs several round trips.
	narratePeriod = 3 * time.Second
)

// narrator prints why the messages being waited for take so long, and again when the reason changes.
type narrator struct {
	out  io.Writer
	apps *apps.Inspector
	lang wecom.Language
	next time.Time // when it looks the reason up again
	now  apps.Wait // why the last message that it looked up waits
	said string
}

func newNarrator(g *globals, inspector *apps.Inspector) *narrator {
	return &narrator{out: g.stderr, lang: g.language(), apps: inspector, next: time.Now().Add(quietly)}
}

// look looks up why a message waits. If that fails, the wait itself reports the outage.
func (n *narrator) look(ctx context.Context, r tasks.Record) {
	if time.Now().Before(n.next) {
		return
	}
	n.next = time.Now().Add(narratePeriod)
	wait, err := n.apps.WhyWaits(ctx, r)
	if err != nil {
		return
	}
	n.now = wait
	if wait.Why != "" && wait.Why != n.said {
		n.said = wait.Why
		_, _ = fmt.Fprintf(n.out, "%s is %s%s: %s\n", r.ID, r.State, wait.Till, locale.Reason(n.lang, wait.Why))
	}
}
