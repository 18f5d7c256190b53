// Command wecomq dispatches WeCom (企业微信) application messages through a queue in Redis. `wecomq help` lists its
// commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/redis/go-redis/v9"
)

// gcPercent lets the heap grow to four times the memory in use before a garbage collection. Compared with Go's default of
// 100, workers take a seventh less CPU time, and gateways and batches a fifth to a quarter; with 10 to 30 MB more memory.
const gcPercent = 300

// memoryRatio is the share of the cgroup's memory that Go may use, unless GOMEMLIMIT is set: the rest is for the program
// itself, which takes 30 MB.
const memoryRatio = 0.8

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	_, _ = memlimit.Set(memlimit.WithRatio(memoryRatio))
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
