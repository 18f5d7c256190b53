package redistest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/redistest"
)

func TestEveryTestHasItsOwnRedis(t *testing.T) {
	t.Parallel()
	one, two := redistest.New(t), redistest.New(t)
	if err := one.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := two.Exists(t.Context(), "k").Val(); n != 0 {
		t.Fatal("the second Redis sees the first one's key")
	}
}

func TestServerListensOnlyOnItsSocket(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	got := server.Client().ConfigGet(t.Context(), "port").Val()
	if diff := cmp.Diff(map[string]string{"port": "0"}, got); diff != "" {
		t.Errorf("CONFIG GET port (-want +got):\n%s", diff)
	}
	if want := "unix://" + server.Addr; server.URL() != want {
		t.Errorf("URL() = %q, want %q", server.URL(), want)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config []string
		want   string
	}{
		"forgets without an append-only file":    {nil, ""},
		"remembers with one that is always full": {[]string{redistest.AppendOnly}, "v"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, tt.config...)
			client := server.Client()
			if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			server.Restart()
			if got := client.Get(t.Context(), "k").Val(); got != tt.want {
				t.Errorf("after a restart k = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKilledServerDoesNotAnswer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Kill()
	server.Kill() // the second call does nothing
	if err := server.Client().Ping(t.Context()).Err(); err == nil {
		t.Fatal("a killed server answered")
	}
}

func TestServerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var server *redistest.Server
	t.Run("a test that ends", func(t *testing.T) {
		server = redistest.Start(t, redistest.AppendOnly)
		if err := server.Client().Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
	})
	if server == nil {
		t.Skip("the test above was skipped")
	}
	if _, err := os.Stat(server.Dir); !os.IsNotExist(err) {
		t.Errorf("stat %s = %v, want that it is gone", server.Dir, err)
	}
}

// witness is a testing.TB that records how a helper ended a test.
type witness struct {
	testing.TB

	ended string
}

func (w *witness) Fatalf(format string, args ...any) {
	w.end("failed: " + fmt.Sprintf(format, args...))
}

func (w *witness) Skipf(format string, args ...any) {
	w.end("skipped: " + fmt.Sprintf(format, args...))
}

func (w *witness) end(how string) {
	w.ended = how
	panic(w)
}

// watch calls f until it returns or ends the test.
func (w *witness) watch(f func(testing.TB)) {
	w.Helper()
	defer func() {
		if r := recover(); r != nil && r != any(w) {
			panic(r)
		}
	}()
	f(w)
}

func TestServerThatDoesNotStart(t *testing.T) {
	t.Parallel()
	redistest.Start(t) // skips without a redis-server
	w := &witness{TB: t}
	w.watch(func(tb testing.TB) { redistest.Start(tb, "no-such-directive 1") })
	for _, want := range []string{"the process ended", "no-such-directive"} {
		if !strings.Contains(w.ended, want) {
			t.Errorf("the test ended %q, want it to contain %q", w.ended, want)
		}
	}
}

func TestWithoutARedisServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tests := map[string]struct {
		ci   string
		call func(testing.TB)
		want string
	}{
		"New falls back to the embedded Redis": {"", func(tb testing.TB) {
			if err := redistest.New(tb).Ping(tb.Context()).Err(); err != nil {
				tb.Fatal(err)
			}
		}, ""},
		"Start skips":       {"", func(tb testing.TB) { redistest.Start(tb) }, "skipped"},
		"New fails in CI":   {"true", func(tb testing.TB) { redistest.New(tb) }, "failed"},
		"Start fails in CI": {"true", func(tb testing.TB) { redistest.Start(tb) }, "failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CI", tt.ci)
			w := &witness{TB: t}
			w.watch(tt.call)
			if how, _, _ := strings.Cut(w.ended, ":"); how != tt.want {
				t.Errorf("the test ended %q, want %q", w.ended, tt.want)
			}
		})
	}
}
