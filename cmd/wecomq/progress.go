package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows how far a long command is, when somebody watches.
type progress struct{ bar *progressbar.ProgressBar } // nil when nobody does

// newProgress counts what is done, for instance messages that are "enqueued". It is silent when stderr is no
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
