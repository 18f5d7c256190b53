package daemon

import (
	"context"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/config"
)

// signalled returns a context whose actor is the host, because the sender of a signal is unknown.
func signalled(ctx context.Context, d *Deployment) context.Context {
	host, _ := os.Hostname()
	return d.Activity().By(ctx, activity.Actor{Name: host, Via: activity.Signal})
}

// changedTokens lists the tokens that a reload adds (+), removes (-) and changes (~).
func changedTokens(before, after []config.Token) string {
	var changes []string
	for _, token := range after {
		old := slices.IndexFunc(before, func(t config.Token) bool { return t.Name == token.Name })
		switch {
		case old < 0:
			changes = append(changes, "+"+token.Name)
		case !reflect.DeepEqual(before[old], token):
			changes = append(changes, "~"+token.Name)
		}
	}
	for _, token := range before {
		if !slices.ContainsFunc(after, func(t config.Token) bool { return t.Name == token.Name }) {
			changes = append(changes, "-"+token.Name)
		}
	}
	return strings.Join(changes, " ")
}
