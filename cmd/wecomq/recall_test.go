package main

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
)

func TestRecallTellsWhatWasTakenBackBeforeItFailed(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	users := make([]string, 2500)
	for i := range users {
		users[i] = fmt.Sprintf("user%d", i)
	}
	id := l.ids(l.run("", "send", "--to-user", strings.Join(users, ","), "--text", "x"))[0]
	// Nobody can read the second of three parts.
	second := tasks.PartID(id, 2)
	inspector := asynq.NewInspectorFromRedisClient(l.redis.Client())
	if err := inspector.DeleteTask("default:default", second); err != nil {
		t.Fatal(err)
	}
	unreadable := asynq.NewTask("message:text", []byte("unreadable"), asynq.TaskID(second), asynq.Queue("default:default"))
	if _, err := asynq.NewClientFromRedisClient(l.redis.Client()).EnqueueContext(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "wecomq", "recall", id)
	cmd.Env = l.environ()
	out, err := cmd.Output()
	if err == nil || cmd.ProcessState.ExitCode() != exitFailure {
		t.Errorf("recall ends with %v, want exit code %d", err, exitFailure)
	}
	recalls := decodeLines[operator.Recall](t, string(out))
	if len(recalls) != 1 || len(recalls[0].Parts) != 1 || recalls[0].Parts[0].ID != id || recalls[0].Parts[0].Result != operator.Cancelled {
		t.Errorf("recall prints %+v, want the part that is cancelled", recalls)
	}
}
