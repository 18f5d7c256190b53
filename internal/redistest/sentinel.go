package redistest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/freeport"
)

// StartSentinel starts a Sentinel for this test, with lines of its configuration such
// as "sentinel monitor", and returns host and port.
func StartSentinel(tb testing.TB, config ...string) string {
	tb.Helper()
	if missing(tb) {
		tb.Skipf("SKIPPED: this test needs %s", binary)
	}
	port := freeport.New(tb)
	dir := tempDir(tb)
	s := &Server{Dir: dir, Addr: filepath.Join(dir, "s"), tb: tb}
	file := filepath.Join(dir, "sentinel.conf") // which Sentinel rewrites
	lines := append([]string{"bind 127.0.0.1", "port " + port, "unixsocket " + s.Addr, "dir " + dir}, config...)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	s.args = []string{file, "--sentinel"}
	s.start()
	tb.Cleanup(s.Kill)
	return "127.0.0.1:" + port
}
