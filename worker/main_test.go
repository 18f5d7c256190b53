package worker_test

import (
	"context"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestMain makes a copy of the test binary a worker that stands still at a point of
// its messages' lives, to be killed there; see victim.
func TestMain(m *testing.M) {
	if point, ok := os.LookupEnv("WECOMQ_TEST_VICTIM"); ok {
		live := func(socket, url string) { victim(point, socket, url) }
		if point == pointAny {
			live = stormVictim
		}
		live(os.Getenv("WECOMQ_TEST_REDIS"), os.Getenv("WECOMQ_TEST_WECOM"))
		return
	}
	redis.SetLogger(silent{}) // as the binary does
	m.Run()
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
