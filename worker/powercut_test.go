//go:build unix

package worker_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/freeport"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// powerCut is a Redis behind a network that goes first when the power fails.
type powerCut struct {
	*trouble
	server     *redistest.Server
	net        *network
	random     *rand.Rand
	generation int // of the file
	torn       int // how often Redis found half a command at the end of its file
}

// file is the one to which Redis appends.
func (c *powerCut) file() string {
	c.Helper()
	files, err := filepath.Glob(filepath.Join(c.server.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		c.Fatalf("append-only files %v, %v; want one", files, err)
	}
	return files[0]
}

func (c *powerCut) size() int64 {
	c.Helper()
	info, err := os.Stat(c.file())
	if err != nil {
		c.Fatal(err)
	}
	return info.Size()
}

// strike cuts the power. Under appendfsync always, Redis answers only what it has synced,
// so exactly those bytes can be lost whose answers nobody got: the network swallows all
// answers from here on, and the file is cut at any byte that is written after that.
func (c *powerCut) strike() {
	c.Helper()
	c.net.spoil("timeout", `{"timeout":0}`)
	synced := c.size()
	waittest.Until(c.T, "Redis has written what it cannot acknowledge", func() bool { return c.size() > synced })
	c.server.Kill()
	cut := synced + c.random.Int64N(c.size()-synced+1)
	c.truncate(cut)
	c.server.Restart()
	if c.size() < cut {
		c.torn++
	}
	c.rewrite()
	c.net.restore()
}

func (c *powerCut) truncate(size int64) {
	c.Helper()
	if err := os.Truncate(c.file(), size); err != nil {
		c.Fatal(err)
	}
}

// rewrite has the file written anew, as docs/semantics.md says: Redis 7.0.15 takes half a
// command off the end of its file, but leaves the transaction that it was in open. At the
// next start that takes effect by halves, or swallows what was acknowledged after it.
func (c *powerCut) rewrite() {
	c.Helper()
	if err := c.rdb.BgRewriteAOF(c.Context()).Err(); err != nil {
		c.Fatal(err)
	}
	waittest.Until(c.T, "the file is written anew", func() bool {
		files, err := filepath.Glob(filepath.Join(c.server.Dir, "appendonlydir", "*.incr.aof"))
		return err == nil && len(files) == 1 && !strings.HasSuffix(files[0], fmt.Sprintf(".%d.incr.aof", c.generation))
	})
	c.generation++
}

// TestPowerCutsLoseNothingThatWasAcknowledged makes 2 power cuts, and ten times
// WECOMQ_STORM with that.
func TestPowerCutsLoseNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	cuts := max(2, 10*stormScale())
	port := freeport.New(t)
	c := &powerCut{
		server: redisServer(t, "bind 127.0.0.1\nport "+port, "auto-aof-rewrite-percentage 0", "aof-load-truncated yes"),
		net:    newNetwork(t, "127.0.0.1:"+port), random: rand.New(rand.NewPCG(1, 2)), generation: 1,
	}
	sim, url := newSimulator(t, wecomtest.Rules{CallsPerMinute: 1_000_000})
	c.trouble = newTrouble(t, c.server.Client(), "redis://"+c.net.addr(), sim, url)
	c.app = stormy(c.app)
	c.work()
	load := c.load("redis://"+c.net.addr(), 4)
	for range cuts {
		load.more(20)
		c.strike()
		c.isStored(load.acknowledged())
	}
	load.end()
	c.settle(load)
	t.Logf("%d power cuts, %d of them in the middle of a command", cuts, c.torn)
}
