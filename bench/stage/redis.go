package stage

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/redisconn"
)

// Redis is a redis-server on a socket, without persistence.
type Redis struct {
	*Process

	URL    string
	Client redis.UniversalClient
}

// StartRedis starts a server with its files in dir; config are more lines of redis.conf.
func StartRedis(ctx context.Context, dir string, config ...string) (*Redis, error) {
	socket := filepath.Join(dir, "s")
	lines := fmt.Sprintf("port 0\nunixsocket %q\ndir %q\nsave \"\"\ndaemonize no\n", socket, dir) + strings.Join(config, "\n")
	server, err := Start("redis-server", strings.NewReader(lines), "-")
	if err != nil {
		return nil, err
	}
	r := &Redis{Process: server, URL: "unix://" + socket}
	if _, err = server.AwaitLine(ctx, "ready to accept connections"); err == nil {
		r.Client, err = redisconn.Open(r.URL, 1)
	}
	if err != nil {
		server.Kill()
		return nil, err
	}
	return r, nil
}

// Close stops the server.
func (r *Redis) Close() {
	_ = r.Client.Close()
	r.Kill()
}

// SilenceClients keeps go-redis from writing to stderr by itself: relevant problems are returned as errors.
func SilenceClients() { redis.SetLogger(silent{}) }

type silent struct{}

// Printf drops the line.
func (silent) Printf(context.Context, string, ...any) {}

// InfoValue finds a number in the reply of INFO; 0 if there is none.
func InfoValue(info, name string) float64 {
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, name+":"); ok {
			value, _ := strconv.ParseFloat(strings.TrimSpace(text), 64)
			return value
		}
	}
	return 0
}
