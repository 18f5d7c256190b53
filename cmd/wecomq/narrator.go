package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
	"github.com/wecomq/wecomq/tasks"
)

// quietly is how long nothing is said: most messages have ended by then.
const quietly = time.Second

// narrator tells somebody who waits for messages why they take so long, and again when that
// changes.
type narrator struct {
	out   io.Writer
	apps  *apps.Inspector
	since time.Time // of the wait
	said  string
}

// tell looks why a message waits. If that cannot be told, the wait itself tells of the outage.
func (n *narrator) tell(ctx context.Context, r tasks.Record) {
	if n == nil || r.State.Final() || time.Since(n.since) < quietly {
		return
	}
	why, err := n.apps.WhyWaits(ctx, r)
	if err != nil || why == "" || why == n.said {
		return
	}
	n.said = why
	_, _ = fmt.Fprintf(n.out, "%s is %s: %s\n", r.ID, r.State, why)
}

// why is the last that was said.
func (n *narrator) why() string {
	if n == nil {
		return ""
	}
	return n.said
}
