// Command wecomq dispatches WeCom (企业微信) application messages through a
// queue in Redis. `wecomq help` lists what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/redis/go-redis/v9"
)

func main() {
	redis.SetLogger(silent{}) // it is global; what matters comes back as an error
	// The first signal asks everything to finish; after it the default is back,
	// and a second one ends the process at once. nohup ignores SIGHUP: leave it so.
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], environment{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv}))
}

// silent keeps go-redis from writing to stderr by itself.
type silent struct{}

// Printf drops the line.
func (silent) Printf(context.Context, string, ...any) {}
