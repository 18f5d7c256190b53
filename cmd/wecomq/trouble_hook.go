package main

import (
	"strings"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// troubleHook lets the log say once for all workers of a process that Redis is in
// trouble, and once that it is well again: each worker finds out by itself.
type troubleHook struct{ on atomic.Bool }

// Run implements [zerolog.Hook].
func (h *troubleHook) Run(event *zerolog.Event, _ zerolog.Level, text string) {
	begins := strings.HasPrefix(text, "Redis is in trouble")
	if begins || strings.HasPrefix(text, "Redis is well again") {
		if !h.on.CompareAndSwap(!begins, begins) {
			event.Discard()
		}
	}
}
