package sim_test

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

const (
	// mostCommands is the maximum number of commands to Redis within a second of the bubble; the busiest second of
	// the first 200 seeds has 317. Without a limit a busy loop would run for ever, because the time of a bubble does
	// not advance meanwhile.
	mostCommands = 3_000
	// realPatience limits a run in real time: for a loop without Redis.
	realPatience = 10 * time.Minute
)

var errHotLoop = errors.New("hot loop: this run has ended")

// pulse counts the commands of a world.
type pulse struct {
	second   time.Time // when counting last restarted from 0
	commands int       // since then
	hot      bool      // they were too many: Redis no longer answers
}

// beat counts a command. Once they are too many, each one fails after a second, so that time advances and a loop
// ends.
func (w *world) beat() error {
	w.mu.Lock()
	if now := time.Now(); now.Sub(w.pulse.second) >= time.Second {
		w.pulse.second, w.pulse.commands = now, 0
	}
	w.pulse.commands++
	if !w.pulse.hot && w.pulse.commands > mostCommands {
		w.pulse.hot = true
		w.Errorf("hot loop: more than %d commands to Redis within a second, %s after the start", mostCommands, time.Since(w.began))
	}
	hot := w.pulse.hot
	w.mu.Unlock()
	if !hot {
		return nil
	}
	pass(time.Second)
	return errHotLoop
}

// replay is the command that repeats a seed.
func replay(seed uint64) string {
	if os.Getenv(longRuns) != "" {
		return fmt.Sprintf("make sim SEED=%d DAY=1", seed)
	}
	return fmt.Sprintf("make sim SEED=%d", seed)
}

// bound ends the process if a run takes too long in real time; it is for a test outside of the bubble, where
// that time advances.
func bound(t *testing.T, seed uint64) {
	t.Helper()
	timer := time.AfterFunc(realPatience, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d has not ended within %s; replay it with: %s", seed, realPatience, replay(seed)))
	})
	t.Cleanup(func() { timer.Stop() })
}
