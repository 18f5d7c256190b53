package redisconn

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// renewPause is the shortest time between two renewals: replies to earlier requests must not close the
// connections that were opened after the first.
const renewPause = time.Second

// wrongNode are the errors of a node that was demoted, is still loading its data, or has lost its primary.
// Proxies of managed Redis prefix them with "ERR ", and Redis 6 hides them in the text of a script's error.
var wrongNode = []string{"READONLY", "LOADING", "MASTERDOWN"}

// renewal is a [redis.Hook] that closes all connections when their node says that it is the wrong one: a new
// connection through the same proxy or name leads to the right one, while the old ones stay where they are.
// go-redis closes only the connection that got the reply, and only for READONLY without "ERR ".
type renewal struct {
	generation atomic.Int64 // of the connections that may be used

	mu      sync.Mutex
	renewed time.Time
}

// DialHook marks each connection with its generation.
func (r *renewal) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		generation := r.generation.Load()
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		line := &renewable{Conn: conn, renewal: r, generation: generation}
		if socket, ok := conn.(syscall.Conn); ok {
			return &renewableSocket{line, socket}, nil
		}
		return line, nil
	}
}

// ProcessHook checks the error of a command.
func (r *renewal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.judge(err)
		return err
	}
}

// ProcessPipelineHook checks the errors of all commands.
func (r *renewal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			r.judge(cmd.Err())
		}
		return err
	}
}

// judge starts a new generation if err comes from the wrong node.
func (r *renewal) judge(err error) {
	if !isWrongNode(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.Sub(r.renewed) >= renewPause {
		r.generation.Add(1)
		r.renewed = now
	}
}

// isWrongNode reports whether err is such a reply.
func isWrongNode(err error) bool {
	answer, ok := errors.AsType[redis.Error](err)
	return ok && slices.ContainsFunc(wrongNode, func(word string) bool { return strings.Contains(answer.Error(), word) })
}

// renewable is a connection that a renewal closes.
type renewable struct {
	net.Conn

	renewal    *renewal
	generation int64
}

// Write refuses to send over a connection of an older generation. After io.EOF go-redis tries another one.
func (c *renewable) Write(p []byte) (int, error) {
	if c.ended() {
		return 0, io.EOF
	}
	return c.Conn.Write(p)
}

func (c *renewable) ended() bool { return c.generation != c.renewal.generation.Load() }

// renewableSocket is a renewable connection whose pool checks its socket before each use, which a connection
// with TLS does not allow.
type renewableSocket struct {
	*renewable

	socket syscall.Conn
}

// SyscallConn fails for a connection of an older generation, which makes the pool
// drop it and take another one.
func (c *renewableSocket) SyscallConn() (syscall.RawConn, error) {
	if c.ended() {
		return nil, io.EOF
	}
	return c.socket.SyscallConn()
}
