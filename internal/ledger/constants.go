package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/tasks"
)

// waiting is how long the record of a message lives that still has a task, whatever
// that waits for: without its record a message that was sent, or is in doubt, would be
// taken for a new one.
const waiting = 90 * 24 * time.Hour

// Constants is what the scripts need to know of package tasks; it stands before
// their own text. FINAL, DEAD and REPLAYABLE are sets of states. An attempt older
// than IN_FLIGHT ms is not under way any more.
var Constants = luaSet("FINAL", tasks.State.Final) +
	luaSet("DEAD", tasks.State.Dead) +
	luaSet("REPLAYABLE", tasks.State.Replayable) +
	luaMilliseconds("WAITING", waiting) +
	luaMilliseconds("IN_FLIGHT", tasks.AttemptLimit(tasks.MaxCallTimeout))

// luaSet declares the states of a kind: local NAME = {state = true, …}.
func luaSet(name string, kind func(tasks.State) bool) string {
	var members []string
	for _, state := range tasks.States() {
		if kind(state) {
			members = append(members, string(state)+" = true")
		}
	}
	return fmt.Sprintf("local %s = {%s}\n", name, strings.Join(members, ", "))
}

func luaMilliseconds(name string, d time.Duration) string {
	return fmt.Sprintf("local %s = %d\n", name, d.Milliseconds())
}
