// Command wecomq dispatches WeCom (企业微信) application messages through a queue in Redis. `wecomq help` lists its
// commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/redis/go-redis/v9"
)

func main() {
	_, _ = memlimit.Set()     // nine tenths of the cgroup's memory, unless GOMEMLIMIT is set or there is no limit
	redis.SetLogger(silent{}) // global; relevant problems are returned as errors
	// The first signal asks everything to finish; after it the default handling is back, and a second one ends the
	// process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	// SIGHUP reloads commands that serve and ends others. nohup ignores it: leave it so.
	hangup := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(hangup, syscall.SIGHUP)
	}
	os.Exit(run(ctx, os.Args[1:], environment{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, hangup, stop}))
}

// silent keeps go-redis from writing to stderr by itself.
type silent struct{}

// Printf drops the line.
func (silent) Printf(context.Context, string, ...any) {}
