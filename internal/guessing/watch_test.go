package guessing_test

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/guessing"
)

// guess tries n different wrong secrets, and returns how long the next waits.
func guess(w *guessing.Watch, from string, n int, at time.Time) time.Duration {
	for i := range n {
		w.Judge(from, fmt.Sprint(at.UnixNano(), " ", i), false, at)
	}
	wait, _ := w.Judge(from, fmt.Sprint("right ", at.UnixNano(), " ", n), true, at)
	return wait
}

// Secrets that were correct before the wait still work, unless very many wrong ones come meanwhile.
func TestWhatWasRightEarlierDoesNotWait(t *testing.T) {
	t.Parallel()
	w, now := guessing.NewWatch(), time.Now()
	show := func(from, secret string, right bool) time.Duration {
		wait, _ := w.Judge(from, secret, right, now)
		return wait
	}
	show("192.0.2.1", "hunter2", true)
	guess(w, "192.0.2.1", 10, now)
	if wait := show("192.0.2.1", "hunter2", true); wait != 0 {
		t.Errorf("it waits %s", wait)
	}
	for range 2 {
		if wait := show("192.0.2.1", "hunter3", true); wait != time.Second {
			t.Errorf("one that was not shown earlier waits %s", wait)
		}
	}
	if wait := show("192.0.2.1", "hunter2", false); wait != time.Second {
		t.Errorf("one that is right no more waits %s", wait)
	}
	guess(w, "192.0.2.2", 10, now)
	if wait := show("192.0.2.2", "hunter2", true); wait != time.Second {
		t.Errorf("from another address it waits %s", wait)
	}
	guess(w, "192.0.2.1", 98, now)
	if wait := show("192.0.2.1", "hunter2", true); wait != 0 {
		t.Errorf("after 99 that were not looked at it waits %s", wait)
	}
	guess(w, "192.0.2.1", 100, now)
	if wait := show("192.0.2.1", "hunter2", true); wait != time.Second {
		t.Errorf("after far more it waits %s", wait)
	}
	now = now.Add(2 * time.Second)
	show("192.0.2.1", "hunter3", true) // it may have been guessed
	guess(w, "192.0.2.1", 1, now)
	if wait := show("192.0.2.1", "hunter3", true); wait == 0 {
		t.Error("one that is shown between two waits does not wait in the second")
	}
}

func TestRightSecretsTakeLittleMemory(t *testing.T) {
	t.Parallel()
	w, now := guessing.NewWatch(), time.Now()
	for i := range 17 { // of one address
		w.Judge("192.0.2.1", strconv.Itoa(i), true, now)
	}
	guess(w, "192.0.2.1", 10, now)
	for i, waits := range map[int]bool{0: true, 16: false} {
		if wait, _ := w.Judge("192.0.2.1", strconv.Itoa(i), true, now); wait > 0 != waits {
			t.Errorf("secret %d of 17 waits %s", i, wait)
		}
	}
	for i := range 1000 {
		w.Judge(fmt.Sprintf("198.51.%d.%d", i>>8, i&0xff), "right", true, now)
	}
	if wait, _ := w.Judge("192.0.2.1", "16", true, now); wait == 0 {
		t.Error("who came a thousand addresses ago is not forgotten")
	}
}

func TestWhoGuessesWaitsLongerEachTime(t *testing.T) {
	t.Parallel()
	w, now := guessing.NewWatch(), time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	if wait := guess(w, "192.0.2.1", 9, now); wait != 0 {
		t.Fatalf("after nine: %s", wait)
	}
	for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		wait := guess(w, "192.0.2.1", 1, now)
		if wait != time.Duration(seconds)*time.Second {
			t.Fatalf("after %d: %s, want %d s", 10+i, wait, seconds)
		}
		// Attempts during the wait do not extend it.
		if wait := guess(w, "192.0.2.1", 100, now.Add(wait-1)); wait != 1 {
			t.Fatalf("after more in the meantime: %s, want 1 ns", wait)
		}
		now = now.Add(wait)
	}
	if wait := guess(w, "192.0.2.1", 0, now); wait != 0 {
		t.Errorf("when the wait is over: %s", wait)
	}
	if wait := guess(w, "192.0.2.1", 9, now.Add(11*time.Minute)); wait != 0 {
		t.Errorf("after nine, eleven minutes later: %s, want a new beginning", wait)
	}
}

func TestWhoeverRepeatsOneWrongSecretDoesNotGuess(t *testing.T) {
	t.Parallel()
	w, now := guessing.NewWatch(), time.Now()
	for i := range 1000 {
		w.Judge("192.0.2.1", strconv.Itoa(i%8), false, now.Add(time.Duration(i)*time.Millisecond))
	}
	if wait := guess(w, "192.0.2.1", 1, now.Add(time.Second)); wait != 0 {
		t.Errorf("after nine different secrets, eight of them many times: %s", wait)
	}
	if wait := guess(w, "192.0.2.1", 1, now.Add(2*time.Second)); wait != time.Second {
		t.Errorf("after ten different secrets: %s", wait)
	}
}

func TestAnAddressIsAHost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		other string
		waits bool
	}{
		"192.0.2.1":         {"192.0.2.2", false},
		"2001:db8::1":       {"2001:db8::ffff:1", true},
		"2001:db8:0:1::1":   {"2001:db8:0:2::1", false},
		"no address at all": {"neither", true},
	} {
		w, now := guessing.NewWatch(), time.Now()
		guess(w, name, 10, now)
		if wait := guess(w, tc.other, 0, now); wait > 0 != tc.waits {
			t.Errorf("after guesses from %s, %s waits %s", name, tc.other, wait)
		}
	}
}

func TestGuessersTakeLittleMemory(t *testing.T) { //nolint:paralleltest // it measures the heap
	now := time.Now()
	w := guessing.NewWatch()
	before := heap()
	for i := range 100_000 {
		w.Judge(fmt.Sprintf("2001:db8:%x:%x::1", i>>8, i&0xff), strconv.Itoa(i), false, now)
	}
	if took := heap() - before; took > 8<<20 {
		t.Errorf("%d bytes", took)
	}
	last := "2001:db8:" + strconv.FormatInt(99_999>>8, 16) + ":9f::1"
	if wait := guess(w, last, 9, now); wait != time.Second {
		t.Errorf("who came last is forgotten: %s", wait)
	}
	if wait := guess(w, "2001:db8:0:1::1", 9, now); wait != 0 {
		t.Errorf("who came first is not forgotten: %s", wait)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
