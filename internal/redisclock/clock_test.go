package redisclock_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redisclock"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestTheTimeIsThatOfRedis(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour, 300 * time.Millisecond} {
		clock.Set(ahead)
		c := redisclock.New(server.Client())
		now, err := c.Now(t.Context())
		if off := now.Sub(time.Now().Add(ahead)); err != nil || off.Abs() > 30*time.Second {
			t.Errorf("Redis is %s ahead: %s off, %v", ahead, off, err)
		}
		offset, wrong := c.Wrong()
		if off := offset - ahead; off.Abs() > 30*time.Second {
			t.Errorf("Redis is %s ahead: the offset is %s", ahead, offset)
		}
		if wrong != (ahead.Abs() > time.Second) {
			t.Errorf("Redis is %s ahead: offset %s, wrong %t", ahead, offset, wrong)
		}
	}
}

func TestOneReadingServesForAWhile(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := redisclock.New(server.Client())
	first, err := c.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if second, err := c.Now(t.Context()); err != nil || second.Before(first) {
		t.Errorf("%s after %s, %v; want no question", second, first, err)
	}
}

func TestWithoutRedisTheTimeIsAnError(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := redisclock.New(server.Client())
	server.Kill()
	if _, err := c.Now(t.Context()); err == nil {
		t.Error("no error")
	}
	if offset, wrong := c.Wrong(); offset != 0 || wrong || c.Complaint() != "" {
		t.Errorf("offset %s, wrong %t before the first answer", offset, wrong)
	}
}

// lines is a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestTheLogNamesAHostWithAWrongClock(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for ahead, direction := range map[time.Duration]string{time.Hour: "behind", -time.Hour: "ahead of"} {
		server, clock := redistest.StartWithClock(t)
		clock.Set(ahead)
		log := make(lines, 10)
		go redisclock.New(server.Client()).Watch(t.Context(), zerolog.New(log))
		line := <-log
		want := regexp.MustCompile(regexp.QuoteMeta(host) + ` is (\S+) ` + direction + ` that of Redis`)
		found := want.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("log %q, want it to match %s", line, want)
		}
		if offset, err := time.ParseDuration(found[1]); err != nil || (offset-time.Hour).Abs() > time.Minute {
			t.Errorf("log %q, %v; want it to say about an hour", line, err)
		}
	}
}
