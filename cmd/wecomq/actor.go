package main

import (
	"context"
	"os"
	"os/user"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/daemon"
)

// actor is the user of this command, for records.
func actor() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return name + "@" + host
}

// acting is the context of a command that changes something: the trail records its actor.
func acting(ctx context.Context, d *daemon.Deployment) context.Context {
	return d.Activity().By(ctx, activity.Actor{Name: actor(), Via: activity.Command})
}
