package sim_test

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/broadcast/compose"
)

// Variables of the environment; see `make sim`.
const (
	oneSeed   = "WECOMQ_SIM_SEED"  // run this seed only, and log everything
	manySeeds = "WECOMQ_SIM_SEEDS" // run the seeds from 1 to this one
	longRuns  = "WECOMQ_SIM_DAY"   // each run is a day
	fewSeeds  = 2                  // if none is set: with the race detector one takes seconds
)

func TestMain(m *testing.M) {
	redis.SetLogger(silent{}) // as the binary does
	debug.SetGCPercent(400)   // a run allocates much and keeps little
	// All bubbles share the codec of blocks, so it must be made outside of them.
	block, err := compose.EncodeBlock(compose.Block{{Users: []string{"u1"}}})
	if err == nil {
		_, err = compose.DecodeBlock(block)
	}
	if err != nil {
		panic(err)
	}
	m.Run()
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// TestTheBooksBalanceWhateverHappens runs some minutes of traffic, and its aftermath, for each seed.
func TestTheBooksBalanceWhateverHappens(t *testing.T) {
	t.Parallel()
	if seed := number(t, oneSeed, 0); seed > 0 {
		simulate(t, uint64(seed))
		return
	}
	for seed := range number(t, manySeeds, fewSeeds) {
		t.Run(fmt.Sprintf("seed %d", seed+1), func(t *testing.T) {
			t.Parallel()
			simulate(t, uint64(seed+1))
		})
	}
}

// number reads a variable of the environment.
func number(t *testing.T, name string, unset int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return unset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		t.Fatalf("%s is %q: want a number", name, text)
	}
	return n
}

// simulate runs one seed in a bubble.
func simulate(t *testing.T, seed uint64) {
	t.Helper()
	bound(t, seed)
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() {
			if t.Failed() {
				t.Log("replay it with:", replay(seed))
			}
		})
		size := short
		if os.Getenv(longRuns) != "" {
			size = day
		}
		w := newWorld(t, seed, size)
		p := draw(w.rng, size)
		if os.Getenv(oneSeed) != "" {
			w.log = zerolog.New(zerolog.NewTestWriter(t))
			t.Log(p)
		}
		w.check(p, w.run(p))
	})
}
