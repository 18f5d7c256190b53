package redistest

import (
	_ "embed"
	bytesof "encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

//go:embed testdata/clock.c
var clockSource []byte

// Clock is the wall clock of one server.
type Clock struct {
	tb   testing.TB
	file string
}

// StartWithClock starts a server whose wall clock the test can set. It needs Linux and a
// C compiler; without them the test is skipped.
func StartWithClock(tb testing.TB, config ...string) (*Server, *Clock) {
	tb.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil || runtime.GOOS != "linux" {
		tb.Skip("SKIPPED: this test needs Linux and cc, to set the clock of a redis-server")
	}
	dir := tb.TempDir()
	source, library := filepath.Join(dir, "clock.c"), filepath.Join(dir, "clock.so")
	clock := &Clock{tb: tb, file: filepath.Join(dir, "ahead")}
	if err := os.WriteFile(source, clockSource, 0o600); err != nil {
		tb.Fatal(err)
	}
	build := exec.CommandContext(tb.Context(), compiler, "-shared", "-fPIC", "-o", library, source) //nolint:gosec // our own source
	if output, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("compile clock.c: %v\n%s", err, output)
	}
	clock.Set(0)
	return start(tb, []string{"LD_PRELOAD=" + library, "REDISTEST_CLOCK=" + clock.file}, config), clock
}

// Set sets the clock ahead of this host's, or behind it if ahead is negative.
func (c *Clock) Set(ahead time.Duration) {
	c.tb.Helper()
	file, err := os.OpenFile(c.file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		c.tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	// In place, because the server has mapped the file.
	if err := bytesof.Write(file, bytesof.NativeEndian, int64(ahead)); err != nil {
		c.tb.Fatal(err)
	}
}
