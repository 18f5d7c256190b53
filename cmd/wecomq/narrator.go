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
	// quietly is how long nothing is said: most messages have ended by then.
	quietly = time.Second
	// narratePeriod is how often it is asked why, which costs several round trips.
	narratePeriod = 3 * time.Second
)

// narrator tells somebody who waits for messages why they take so long, and again when that
// changes.
type narrator struct {
	out  io.Writer
	apps *apps.Inspector
	lang wecom.Language
	next time.Time // when it looks again
	now  apps.Wait // why the message waits that it looked at last
	said string
}

func newNarrator(g *globals, inspector *apps.Inspector) *narrator {
	return &narrator{out: g.stderr, lang: g.language(), apps: inspector, next: time.Now().Add(quietly)}
}

// look looks why a message waits. If that cannot be told, the wait itself tells of the outage.
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
