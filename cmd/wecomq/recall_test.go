package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/tasks"
)

func TestRecallTakesBackEveryPartAlsoOneThatNobodyCanRead(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	users := make([]string, 2500)
	for i := range users {
		users[i] = fmt.Sprintf("user%d", i)
	}
	id := l.ids(l.run("", "send", "--to-user", strings.Join(users, ","), "--text", "x"))[0]
	// The second of three parts is unreadable.
	second := tasks.PartID(id, 2)
	inspector := asynq.NewInspectorFromRedisClient(l.rdb)
	if err := inspector.DeleteTask("default:default", second); err != nil {
		t.Fatal(err)
	}
	unreadable := asynq.NewTask("message:text", []byte("unreadable"), asynq.TaskID(second), asynq.Queue("default:default"))
	if _, err := asynq.NewClientFromRedisClient(l.rdb).EnqueueContext(t.Context(), unreadable); err != nil {
		t.Fatal(err)
	}
	recalls := decodeLines[operator.Recall](t, l.run("", "recall", id))
	if len(recalls) != 1 || len(recalls[0].Parts) != 3 {
		t.Fatalf("recall prints %+v, want three parts", recalls)
	}
	for i, part := range recalls[0].Parts {
		if part.ID != tasks.PartID(id, i+1) || part.Result != operator.Cancelled {
			t.Errorf("part %+v, want it cancelled", part)
		}
	}
}

func TestWhyAPartWasNotTakenBack(t *testing.T) {
	t.Parallel()
	for want, part := range map[string]operator.RecalledPart{
		"it is older than 24 h": {Result: operator.Failed, Reason: "it is older than 24 h"},
		"81013: ask them":       {Result: operator.Failed, Reason: "81013", Hint: "ask them"},
		"it was not sent":       {Result: operator.Cancelled, Reason: "it was not sent", Hint: "of no use here"},
	} {
		if got := because(part); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
