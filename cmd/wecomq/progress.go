package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows the progress of a long command on a terminal.
type progress struct{ bar *progressbar.ProgressBar } // nil if there is no terminal

// newProgress counts completed items, for instance messages that are "enqueued". It is silent if stderr is not a
// terminal, as in scripts and logs.
func newProgress(stderr io.Writer, what, done string) *progress {
	file := terminal(stderr)
	if file == nil {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(done), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(what), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetSpinnerChangeInterval(0), // the bar's own goroutine races with Add
	)}
}

func (p *progress) add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
