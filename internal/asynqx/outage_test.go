package asynqx_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

func TestOutages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"nil reply", redis.Nil, false},
		{"connection closed", io.EOF, true},
		{"full", redistest.AnswerError("OOM command not allowed when used memory > 'maxmemory'."), true},
		{"full, inside a script on Redis 6", redistest.AnswerError("ERR Error running script: @user_script:1: -OOM command not allowed"), true},
		{"slot that has just moved", redistest.AnswerError("MOVED 12791 127.0.0.1:39347"), true},
		{"slot that is being moved", redistest.AnswerError("ASK 12791 127.0.0.1:39347"), true},
		{"slot of which a part has moved", redistest.AnswerError("TRYAGAIN Multiple keys request during rehashing of slot"), true},
		{"wrong type", redistest.AnswerError("WRONGTYPE Operation against a key holding the wrong kind of value"), false},
		{"an unknown word with ASK in it", redistest.AnswerError("ERR no such TASK"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := asynqx.IsOutage(tt.err); got != tt.want {
				t.Errorf("IsOutage(%v) is %v", tt.err, got)
			}
			if tt.err == nil {
				return
			}
			if wrapped := fmt.Errorf("admit: %w", tt.err); asynqx.IsOutage(wrapped) != tt.want {
				t.Errorf("IsOutage(%v) is %v", wrapped, !tt.want)
			}
		})
	}
}
