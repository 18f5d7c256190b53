package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a batch is, when somebody watches.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress is silent when stderr is no terminal, as in scripts and logs.
func newProgress(stderr io.Writer) *progress {
	file, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &progress{progressbar.DefaultSilent(-1)}
	}
	return &progress{progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(stderr), progressbar.OptionSetDescription("enqueued"), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("messages"), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (p *progress) add(n int) { _ = p.bar.Add(n) }
func (p *progress) end()      { _ = p.bar.Finish() }
