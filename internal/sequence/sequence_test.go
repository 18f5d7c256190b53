package sequence_test

import (
	"context"
	"io"
	"iter"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/sequence"
)

// errBroken is not an outage: Redis has answered.
var errBroken = redis.Nil

// of yields values; a negative one is an error, and the sequence continues after it.
func of(values ...int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for _, v := range values {
			var err error
			if v < 0 {
				err = errBroken
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// collect returns the values; the value of an error must be negative.
func collect(t *testing.T, all iter.Seq2[int, error]) (values []int) {
	t.Helper()
	for v, err := range all {
		if (err != nil) != (v < 0) {
			t.Errorf("value %d, error %v", v, err)
		}
		values = append(values, v)
	}
	return values
}

func TestOneByOneEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	got := collect(t, sequence.OneByOne([]iter.Seq2[int, error]{of(1, 2), of(), of(3, -1, 4), of(5)}))
	if diff := cmp.Diff([]int{1, 2, 3, -1}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	for v, err := range sequence.OneByOne([]iter.Seq2[int, error]{of(1, 2)}) {
		if v != 1 || err != nil {
			t.Error("it goes on though nobody wants more")
		}
		break
	}
}

func TestAsTheyComeYieldsAllAndEndsThemWithIt(t *testing.T) {
	t.Parallel()
	got := collect(t, sequence.AsTheyCome([]iter.Seq2[int, error]{of(1, 2), of(3), of()}, func() {}))
	slices.Sort(got)
	if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := 0
	endless := func(yield func(int, error) bool) {
		defer func() { ended++ }()
		yield(1, nil)
		<-ctx.Done()
	}
	for v, err := range sequence.AsTheyCome([]iter.Seq2[int, error]{endless}, cancel) {
		if v != 1 || err != nil {
			t.Errorf("value %d, error %v; want the first", v, err)
		}
		break
	}
	if ended != 1 {
		t.Error("nobody wants more, and a sequence goes on")
	}
}

func TestAnOutageIsToldOnceAndLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := func(yield func(int, error) bool) {
			_ = yield(0, nil) && yield(0, io.EOF) && yield(0, io.EOF) && yield(1, nil) && yield(0, io.EOF) && yield(-1, errBroken)
		}
		told := 0
		got := collect(t, sequence.ThroughOutages(t.Context(), flaky, func(error) { told++ }))
		if diff := cmp.Diff([]int{0, 1, -1}, got); diff != "" || told != 2 {
			t.Errorf("%d outages are told of, want 2; values (-want +got):\n%s", told, diff)
		}
	})
}
