package groupcommit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wecomq/wecomq/internal/groupcommit"
)

// double answers after a second, and rejects 13.
func double(calls *[][]int) func(context.Context, []int) []groupcommit.Answer[int] {
	return func(_ context.Context, asked []int) []groupcommit.Answer[int] {
		*calls = append(*calls, slices.Clone(asked))
		<-time.After(time.Second)
		answers := make([]groupcommit.Answer[int], len(asked))
		for i, n := range asked {
			answers[i].Value = 2 * n
			if n == 13 {
				answers[i].Err = errors.New("unlucky")
			}
		}
		return answers
	}
}

func self(n int) int { return n }

func TestWhatIsAskedDuringACallGoesWithTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]int
		group := groupcommit.New(30, self, double(&calls))
		var asking sync.WaitGroup
		for _, n := range []int{1, 13, 5, 40, 2} { // each at a different time, all during the first call
			asking.Go(func() {
				answer, err := group.Do(t.Context(), n)
				if (err != nil) != (n == 13) || answer != 2*n {
					t.Errorf("%d: %d, %v", n, answer, err)
				}
			})
			synctest.Wait()
		}
		asking.Wait()
		want := [][]int{{1}, {13, 5}, {40}, {2}} // 40 is over the limit, and goes alone
		if !slices.EqualFunc(calls, want, slices.Equal) {
			t.Errorf("calls %v, want %v", calls, want)
		}
	})
}

func TestWhoGivesUpDisturbsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls [][]int
		group := groupcommit.New(30, self, double(&calls))
		impatient, giveUp := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("impatient"))
		defer giveUp()
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := group.Do(impatient, 1); err == nil || err.Error() != "impatient" {
				t.Errorf("%v, want that it was impatient", err)
			}
		})
		synctest.Wait()
		if answer, err := group.Do(t.Context(), 2); answer != 4 || err != nil {
			t.Errorf("%d, %v", answer, err)
		}
		asking.Wait()
	})
}
