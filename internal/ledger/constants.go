package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Constants passes values of packages tasks and wecom to the scripts; it stands before their own text. FINAL,
// DEAD, REPLAYABLE, SENT, UNSENT and FAILED are sets of states: UNSENT has the final ones of a message that WeCom
// did not take. BROADCAST_OVER has states of broadcasts. An attempt older than IN_FLIGHT ms is no longer running.
// The record of a message that still has a task, whatever the task waits for, lives for WAITING ms: without the
// record, a message that was sent or is in doubt would be taken for a new one.
var Constants = luaSet("FINAL", states(tasks.State.Final)) +
	luaSet("DEAD", states(tasks.State.Dead)) +
	luaSet("REPLAYABLE", states(tasks.State.Replayable)) +
	luaSet("SENT", states(tasks.State.Sent)) +
	luaSet("UNSENT", states(func(s tasks.State) bool { return s.Final() && !s.Sent() && s != tasks.Unknown })) +
	luaSet("FAILED", states(tasks.State.Failed)) +
	luaSet("BROADCAST_OVER", BroadcastOver()) +
	luaCode("ALL_INVALID", wecom.CodeAllInvalid) +
	luaMilliseconds("WAITING", keys.LongTTL) +
	luaMilliseconds("IN_FLIGHT", tasks.AttemptLimit(tasks.MaxCallTimeout))

// cardConstants passes one more to card.lua.
var cardConstants = luaCode("RESPONSE_CODE_USED", wecom.CodeResponseCodeUsed)

// states lists the states of a kind.
func states(kind func(tasks.State) bool) []tasks.State {
	return slices.DeleteFunc(tasks.States(), func(s tasks.State) bool { return !kind(s) })
}

// luaSet declares a set: local NAME = {member = true, …}.
func luaSet[S ~string](name string, members []S) string {
	pairs := make([]string, len(members))
	for i, member := range members {
		pairs[i] = string(member) + " = true"
	}
	return fmt.Sprintf("local %s = {%s}\n", name, strings.Join(pairs, ", "))
}

// luaCode declares an errcode in the form that records have.
func luaCode(name string, code wecom.Code) string {
	return fmt.Sprintf("local %s = '%d'\n", name, code)
}

func luaMilliseconds(name string, d time.Duration) string {
	return fmt.Sprintf("local %s = %d\n", name, d.Milliseconds())
}
