package sim_test

import (
	"errors"

	"github.com/redis/go-redis/v9"
)

// checkReply: no script of Redis fails, neither as a whole nor for one of several messages. A worker would retry
// for ever.
func (w *world) checkReply(cmd redis.Cmder) {
	script, ok := cmd.(*redis.Cmd)
	if !ok {
		return
	}
	err := script.Err()
	refused, _ := errors.AsType[redis.Error](err)
	expected := errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "NOSCRIPT") || redis.HasErrorPrefix(err, "NOT FOUND")
	if failed(script.Val()) || refused != nil && !expected {
		w.Errorf("a script fails: %v", script)
	}
}

// failed recognises the reply "error" with its reason, alone or among those for other messages.
func failed(reply any) bool {
	values, _ := reply.([]any)
	for i, value := range values {
		if i == 0 && value == "error" || failed(value) {
			return true
		}
	}
	return false
}
