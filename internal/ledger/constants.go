package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// Constants passes values of packages tasks and wecom to the scripts; it stands before their own text. FINAL,
// DEAD, REPLAYABLE, SENT and FAILED are sets of states. An attempt older than IN_FLIGHT ms is no longer running.
// The record of a message that still has a task, whatever the task waits for, lives for WAITING ms: without the
// record, a message that was sent or is in doubt would be taken for a new one.
var Constants = luaSet("FINAL", tasks.State.Final) +
	luaSet("DEAD", tasks.State.Dead) +
	luaSet("REPLAYABLE", tasks.State.Replayable) +
	luaSet("SENT", tasks.State.Sent) +
	luaSet("FAILED", tasks.State.Failed) +
	luaCode("ALL_INVALID", wecom.CodeAllInvalid) +
	luaMilliseconds("WAITING", keys.LongTTL) +
	luaMilliseconds("IN_FLIGHT", tasks.AttemptLimit(tasks.MaxCallTimeout))

// cardConstants passes values to card.lua. UNSENT are the final states of a message that never reached WeCom.
var cardConstants = luaSet("UNSENT", func(s tasks.State) bool { return s.Final() && !s.Sent() && !s.Dead() }) +
	luaCode("RESPONSE_CODE_USED", wecom.CodeResponseCodeUsed)

// luaSet declares a set of states: local NAME = {state = true, …}.
func luaSet(name string, kind func(tasks.State) bool) string {
	var members []string
	for _, state := range tasks.States() {
		if kind(state) {
			members = append(members, string(state)+" = true")
		}
	}
	return fmt.Sprintf("local %s = {%s}\n", name, strings.Join(members, ", "))
}

// luaCode declares an errcode in the form that records have.
func luaCode(name string, code wecom.Code) string {
	return fmt.Sprintf("local %s = '%d'\n", name, code)
}

func luaMilliseconds(name string, d time.Duration) string {
	return fmt.Sprintf("local %s = %d\n", name, d.Milliseconds())
}
