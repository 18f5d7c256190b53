package asynqx_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/redistest"
)

// More tasks than one script locates, of two queues, in all places.
func TestEachTaskHasAPlaceOfItsOwn(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	var want []asynqx.Placed
	for _, queue := range []string{"ops:bulk", "ops:default"} {
		for i := range 20 {
			ref := asynqx.TaskRef{Queue: queue, ID: fmt.Sprintf("%s-%d", queue, i)}
			opts := []asynq.Option{asynq.Queue(queue)}
			if i%5 > 2 {
				opts = append(opts, asynq.ProcessIn(time.Hour))
			}
			added := task(ref.ID, opts...)
			enqueue(t, rdb, added)
			placed := asynqx.Placed{TaskRef: ref, Place: asynqx.Queued, Type: "message:text", Payload: added.Task.Payload()}
			key := "asynq:{" + queue + "}:"
			var err error
			switch i % 5 {
			case 0:
				placed = asynqx.Placed{TaskRef: ref, Place: asynqx.Gone}
				err = rdb.LRem(t.Context(), key+"pending", 1, ref.ID).Err()
				rdb.Del(t.Context(), key+"t:"+ref.ID)
			case 1: // as if a worker had given it back
				err = rdb.HDel(t.Context(), key+"t:"+ref.ID, "pending_since").Err()
			case 3:
				placed.Place = asynqx.Lost
				err = rdb.ZRem(t.Context(), key+"scheduled", ref.ID).Err()
			}
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, placed)
		}
	}
	slices.SortStableFunc(want, func(a, b asynqx.Placed) int { return len(a.ID) - len(b.ID) }) // the queues are mixed
	refs := make([]asynqx.TaskRef, len(want))
	for i, placed := range want {
		refs[i] = placed.TaskRef
	}
	got, err := asynqx.Places(t.Context(), rdb, refs, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
