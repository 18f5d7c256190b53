package asynqx

import (
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// refusals are the error codes of a Redis that cannot serve now: it is full, loading or demoted, has lost its
// disk, replicas or cluster, or rejects the login. Redis 6 has some of them only inside the text of a
// script's error.
var refusals = []string{
	"OOM", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "NOREPLICAS", "BUSY",
	"NOAUTH", "NOPERM", "WRONGPASS", "max number of clients",
}

// IsOutage reports whether err means that Redis cannot be reached or cannot serve at the moment. A nil reply
// or an error of the command itself is not an outage.
func IsOutage(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return false
	}
	answer, ok := errors.AsType[redis.Error](err)
	if !ok {
		return true
	}
	if isRedirect(answer) {
		return true
	}
	text := answer.Error()
	return slices.ContainsFunc(refusals, func(word string) bool { return strings.Contains(text, word) })
}

// isRedirect reports whether a cluster redirected a command more often than go-redis follows: a slot is being
// migrated.
func isRedirect(answer redis.Error) bool {
	_, moved := redis.IsMovedError(answer)
	_, asked := redis.IsAskError(answer)
	return moved || asked
}
