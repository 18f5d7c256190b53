package worker

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/redistest"
)

var errAway = errors.New("connection refused")

func TestAnOutageIsToldOnceAndSoIsItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := newOutage(zerolog.New(&log))
		asynq := &asynqLogger{zerolog.New(&log).Level(zerolog.InfoLevel), o}
		o.note(nil)
		asynq.Warn("before")
		for range 60 { // a minute, in which now and then a call succeeds
			o.note(errAway)
			asynq.Error("Dequeue error")
			o.note(nil)
			<-time.After(time.Second)
		}
		o.note(nil)
		asynq.Error("Failed to extend lease") // a consequence
		<-time.After(calm)
		o.note(nil)
		o.note(nil)
		asynq.Warn("after")
		asynq.Error("recovering from panic") // never suppressed
		const want = `{"level":"warn","message":"before"}
{"level":"error","component":"redis","error":"connection refused","message":"Redis is unavailable; messages wait until it has recovered"}
{"level":"warn","component":"redis","duration_ms":59000,"suppressed_lines":61,"message":"Redis has recovered"}
{"level":"warn","message":"after"}
{"level":"error","message":"recovering from panic"}
`
		if diff := cmp.Diff(want, log.String()); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

func TestAFullRedisIsNotCalledUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := newOutage(zerolog.New(&log))
		full := redistest.AnswerError("OOM command not allowed when used memory > 'maxmemory'.")
		o.note(full)
		<-time.After(2 * calm) // heartbeats are 5 s apart
		o.note(nil)
		o.note(full)
		<-time.After(calmFull)
		o.note(nil)
		o.note(full)
		o.note(errAway)
		o.note(errAway)
		var said []string
		for line := range strings.Lines(log.String()) {
			_, message, _ := strings.Cut(line, `"message":"`)
			said = append(said, message[:len("Redis is full")])
		}
		if want := []string{"Redis is full", "Redis has rec", "Redis is full", "Redis is unav"}; !slices.Equal(said, want) {
			t.Errorf("the log says %q, want %q", said, want)
		}
	})
}

func TestAFaultOfOneMessageIsNoOutage(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := newOutage(zerolog.New(&log))
	for _, err := range []error{nil, redis.Nil} {
		if got := o.check(err); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
}
