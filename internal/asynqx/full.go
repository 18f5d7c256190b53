package asynqx

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// IsFull reports whether err means that Redis has reached its maxmemory. It still runs commands that need no
// memory, and scripts that begin with a write that needs none.
func IsFull(err error) bool {
	answer, ok := errors.AsType[redis.Error](err)
	return ok && strings.Contains(answer.Error(), "OOM ") // Redis 6 has it inside the text of a script's error
}

// enqueuesWhenFull is prepended to enqueue.lua, whose last key is a hash, so that it also runs in a full Redis: its
// first write then needs no memory.
const enqueuesWhenFull = "redis.call('HDEL', KEYS[#KEYS], '')\n"

// fullError reports that Redis was full when tasks were completed.
type fullError struct{}

func (fullError) Error() string { return "OOM the dashboard will not show the results of tasks" }
func (fullError) RedisError()   {}
