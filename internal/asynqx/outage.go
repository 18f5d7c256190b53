package asynqx

import (
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// refusals are the words with which a Redis says that it cannot serve now: full,
// loading, demoted, cut off from its disk, its replicas or its cluster, or no longer
// letting us in. Redis 6 hides some of them in the text of a script's error.
var refusals = []string{
	"OOM", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "NOREPLICAS", "BUSY",
	"NOAUTH", "NOPERM", "WRONGPASS", "max number of clients",
}

// IsOutage reports whether err means that Redis cannot be reached or cannot serve for
// now, and not that it answered: with nothing, or that a command is wrong.
func IsOutage(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return false
	}
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return true
	}
	text := answer.Error()
	return slices.ContainsFunc(refusals, func(word string) bool { return strings.Contains(text, word) })
}
