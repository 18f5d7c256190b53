package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wecomq/wecomq/internal/embedded"
	"github.com/wecomq/wecomq/internal/waittest"
)

// start starts a server that ends with the test, and a client of it.
func start(t *testing.T) redis.UniversalClient {
	t.Helper()
	server, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	opts, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(opts)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestKeysExpireByThemselves(t *testing.T) {
	t.Parallel()
	tests := map[string]func(context.Context, redis.UniversalClient) error{
		"after SET PX": func(ctx context.Context, c redis.UniversalClient) error {
			return c.Do(ctx, "SET", "k", "v", "NX", "PX", "60").Err()
		},
		"after PEXPIRE": func(ctx context.Context, c redis.UniversalClient) error {
			if err := c.HSet(ctx, "k", "f", "v").Err(); err != nil {
				return err
			}
			return c.PExpire(ctx, "k", 60*time.Millisecond).Err()
		},
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := start(t)
			if err := set(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			awaitExpiry(t, client, "k")
		})
	}
}

// awaitExpiry returns when the key is gone.
func awaitExpiry(t *testing.T, client redis.UniversalClient, key string) {
	t.Helper()
	waittest.Until(t, key+" has expired", func() bool { return client.Exists(t.Context(), key).Val() == 0 })
}

func TestKeyOutlivesTheTicksBeforeItsTime(t *testing.T) {
	t.Parallel()
	client := start(t)
	for key, ttl := range map[string]time.Duration{"short": 60 * time.Millisecond, "long": time.Hour} {
		if err := client.Set(t.Context(), key, "v", ttl).Err(); err != nil {
			t.Fatal(err)
		}
	}
	awaitExpiry(t, client, "short")
	if left := client.PTTL(t.Context(), "long").Val(); left < 59*time.Minute || left >= time.Hour {
		t.Errorf("time to live = %s, want a little less than an hour", left)
	}
}

func TestScriptsReadTheTime(t *testing.T) {
	t.Parallel()
	const script = `local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)`
	before := time.Now().UnixMilli()
	got, err := start(t).Eval(t.Context(), script, nil).Int64()
	if after := time.Now().UnixMilli(); err != nil || got < before || got > after {
		t.Errorf("TIME in Lua = %d ms, %v; want %d to %d", got, err, before, after)
	}
}

func TestAsynqProcessesTasks(t *testing.T) {
	t.Parallel()
	client := start(t)
	done := make(chan string, 1)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{LogLevel: asynq.FatalLevel, TaskCheckInterval: 10 * time.Millisecond})
	handler := asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		done <- string(task.Payload())
		return nil
	})
	if err := server.Start(handler); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)

	if _, err := asynq.NewClientFromRedisClient(client).EnqueueContext(t.Context(), asynq.NewTask("greet", []byte("hello"))); err != nil {
		t.Fatal(err)
	}

	select {
	case got := <-done:
		if got != "hello" {
			t.Errorf("payload = %q, want hello", got)
		}
	case <-time.After(waittest.Patience):
		t.Fatal("the task was not processed")
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) { //nolint:paralleltest // it looks at all goroutines
	ignore := goleak.IgnoreCurrent()
	server, err := embedded.Start()
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	server.Close()
	goleak.VerifyNone(t, ignore)
}
