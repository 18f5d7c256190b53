package asynqx_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
)

// of are tasks of one sender, with ids in their order.
func of(sender string, first, last int) []asynqx.Task {
	var all []asynqx.Task
	for i := first; i <= last; i++ {
		one := task(fmt.Sprintf("%s-%04d", sender, i))
		one.Sender = sender
		all = append(all, one)
	}
	return all
}

func idsOf(sender string, first, last int) []string {
	var ids []string
	for i := first; i <= last; i++ {
		ids = append(ids, fmt.Sprintf("%s-%04d", sender, i))
	}
	return ids
}

// due gives tasks a time that has come.
func due(all []asynqx.Task) []asynqx.Task {
	for i := range all {
		all[i].At = time.Unix(1_700_000_000, 0)
	}
	return all
}

var taskID = regexp.MustCompile(`{"id":"([^"]+)"}`)

// dequeued takes n tasks, one by one, and gives their ids.
func dequeued(t *testing.T, rdb redis.UniversalClient, n int) []string {
	t.Helper()
	client := asynqx.NewWorkerClient(t.Context(), rdb, nil, ignore)
	var ids []string
	for range n {
		text, err := client.EvalSha(t.Context(), "sha", []string{
			"asynq:{ops:default}:pending", "asynq:{ops:default}:paused", "asynq:{ops:default}:active", "asynq:{ops:default}:lease",
		}).Text()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, taskID.FindStringSubmatch(text)[1])
	}
	return ids
}

func TestOneSendersManyTasksDoNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		enqueue [][]asynqx.Task
		want    []string
	}{
		"a few of others go ahead, in their order": {
			[][]asynqx.Task{of("a", 1, 100), of("b", 1, 2), of("c", 1, 1), of("b", 3, 3), of("a", 101, 110)},
			slices.Concat(idsOf("b", 1, 3), idsOf("c", 1, 1), idsOf("a", 1, 110)),
		},
		"ten of one at most; then it waits, and all after it": {
			[][]asynqx.Task{of("a", 1, 100), of("b", 1, 13), of("c", 1, 1)},
			slices.Concat(idsOf("b", 1, 10), idsOf("c", 1, 1), idsOf("a", 1, 100), idsOf("b", 11, 13)),
		},
		"nobody goes ahead of a few": {
			[][]asynqx.Task{of("a", 1, 15), of("b", 1, 1)},
			slices.Concat(idsOf("a", 1, 15), idsOf("b", 1, 1)),
		},
		"nor ahead of their own": {
			[][]asynqx.Task{of("a", 1, 8), of("b", 1, 1), of("a", 9, 100), of("b", 2, 2)},
			slices.Concat(idsOf("a", 1, 8), idsOf("b", 1, 1), idsOf("a", 9, 100), idsOf("b", 2, 2)),
		},
		"those of whom it is not known are of one more sender": {
			[][]asynqx.Task{of("", 1, 50), of("a", 1, 20), of("", 51, 52), of("b", 1, 1)},
			slices.Concat(idsOf("a", 1, 10), idsOf("b", 1, 1), idsOf("", 1, 50), idsOf("a", 11, 20), idsOf("", 51, 52)),
		},
		"two with many hold up no third": {
			[][]asynqx.Task{of("a", 1, 50), of("b", 1, 20), of("a", 51, 60), of("b", 21, 30), of("c", 1, 1)},
			slices.Concat(idsOf("b", 1, 10), idsOf("c", 1, 1), idsOf("a", 1, 50), idsOf("b", 11, 20), idsOf("a", 51, 60), idsOf("b", 21, 30)),
		},
		"a few that are due go ahead": {
			[][]asynqx.Task{of("a", 1, 50), due(of("b", 1, 16))},
			slices.Concat(idsOf("b", 1, 16), idsOf("a", 1, 50)),
		},
		"many that are due take turns with what waits, until they are a few": {
			[][]asynqx.Task{of("a", 1, 50), due(of("b", 1, 18))},
			slices.Concat(idsOf("b", 1, 1), idsOf("a", 1, 1), idsOf("b", 2, 18), idsOf("a", 2, 50)),
		},
		"and let others go ahead, in their order": {
			[][]asynqx.Task{of("a", 1, 50), due(of("b", 1, 20)), of("d", 1, 1), of("c", 1, 1)},
			slices.Concat(idsOf("c", 1, 1), idsOf("d", 1, 1), idsOf("b", 1, 1), idsOf("a", 1, 1), idsOf("b", 2, 2), idsOf("a", 2, 2),
				idsOf("b", 3, 3), idsOf("a", 3, 3), idsOf("b", 4, 20), idsOf("a", 4, 50)),
		},
		"and those of nobody else go at once": {
			[][]asynqx.Task{due(of("a", 1, 100)), of("b", 1, 1)},
			slices.Concat(idsOf("a", 1, 1), idsOf("b", 1, 1), idsOf("a", 2, 100)),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := redistest.New(t)
			for _, batch := range tc.enqueue {
				enqueue(t, rdb, batch...)
			}
			if diff := cmp.Diff(tc.want, dequeued(t, rdb, len(tc.want))); diff != "" {
				t.Errorf("the order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPartsOfAMessageThatAreDueGoAhead(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	parts := due(of("b", 1, 100))
	for i := range parts {
		parts[i].Owed = true
	}
	enqueue(t, rdb, of("a", 1, 50)...)
	enqueue(t, rdb, parts...)
	if diff := cmp.Diff(idsOf("b", 1, 100), dequeued(t, rdb, 100)); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

func TestWhoHasBeenServedGoesAheadAgain(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, of("a", 1, 100)...)
	for i := range 30 { // one at a time, as of somebody who sends few
		enqueue(t, rdb, of("b", i, i)...)
		if diff := cmp.Diff(idsOf("b", i, i), dequeued(t, rdb, 1)); diff != "" {
			t.Fatalf("task %d (-want +got):\n%s", i, diff)
		}
	}
	enqueue(t, rdb, of("b", 30, 50)...) // more than go ahead: the last wait behind all
	dequeued(t, rdb, 10+100+11)
	enqueue(t, rdb, of("a", 101, 200)...)
	enqueue(t, rdb, of("b", 51, 51)...)
	if diff := cmp.Diff(idsOf("b", 51, 51), dequeued(t, rdb, 1)); diff != "" {
		t.Errorf("after all of it was served (-want +got):\n%s", diff)
	}
}

func TestATaskThatGoesAheadIsOneWhoseTimeHasCome(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, of("a", 1, 100)...)
	enqueue(t, rdb, of("b", 1, 1)...)
	info, err := asynq.NewInspectorFromRedisClient(rdb).GetTaskInfo("ops:default", "b-0001")
	if err != nil || info.State != asynq.TaskStateScheduled || info.NextProcessAt.After(rdb.Time(t.Context()).Val()) {
		t.Errorf("%+v, %v", info, err)
	}
	if n := rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Val(); n != 100 {
		t.Errorf("%d wait behind it, want 100", n)
	}
	placed, err := asynqx.Places(t.Context(), rdb, []asynqx.TaskRef{{Queue: "ops:default", ID: "b-0001"}}, false)
	if err != nil || placed[0].Place != asynqx.Queued {
		t.Errorf("its place is %+v, %v", placed, err)
	}
	if result := asynqx.BulkEnqueue(t.Context(), rdb, rdb.Time(t.Context()).Val(), of("b", 1, 1))[0]; result.Err == nil {
		t.Error("it was enqueued twice")
	}
	if life := rdb.TTL(t.Context(), keys.Senders("ops:default")).Val(); life <= 0 {
		t.Errorf("the notes live %s", life)
	}
}

func TestAShortQueueKeepsNoNotes(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	enqueue(t, rdb, of("a", 1, 8)...)
	if n := rdb.Exists(t.Context(), keys.Senders("ops:default")).Val(); n != 0 {
		t.Error("there are notes of senders")
	}
}

func TestTheNotesOfSendersLastAndAreBounded(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	notes := keys.Senders("ops:default")
	enqueue(t, rdb, of("a", 1, 20)...)
	enqueue(t, rdb, of("b", 1, 11)...)
	if err := rdb.Expire(t.Context(), notes, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	enqueue(t, rdb, of("a", 21, 21)...) // nobody new
	if life := rdb.TTL(t.Context(), notes).Val(); life <= 24*time.Hour {
		t.Errorf("the notes of a backlog that grows live %s", life)
	}
	var strangers []asynqx.Task
	for i := range 1100 {
		strangers = append(strangers, of(fmt.Sprintf("s%d", i), 1, 1)...)
	}
	enqueue(t, rdb, strangers...)
	if n := rdb.HLen(t.Context(), notes).Val(); n == 0 || n > 1000 {
		t.Errorf("there are %d notes", n)
	}
}
