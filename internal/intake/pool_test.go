package intake_test

import (
	"strconv"
	"testing"

	"github.com/wecomq/wecomq/internal/intake"
)

func TestAnOwnerHoldsNoMoreThanIsLeftForOthers(t *testing.T) {
	t.Parallel()
	p := intake.NewPool(64)
	for owner, want := range []int64{32, 16, 8, 4, 2, 1} { // each takes as much as it can get
		name, got := strconv.Itoa(owner), int64(0)
		for p.Take(name, 1) {
			got++
		}
		if got != want {
			t.Errorf("the owner %d got %d of 64, want %d", owner+1, got, want)
		}
	}
	p.Give("0", 32)
	if !p.Take("new", 16) || p.InUse() != 64-32-1+16 {
		t.Errorf("%d are in use after one gave 32 back and another took 16", p.InUse())
	}
}

func TestSlotsThatAreFewGoRound(t *testing.T) {
	t.Parallel()
	p := intake.NewPool(3)
	for i, want := range []struct {
		owner string
		got   bool
	}{{"a", true}, {"a", true}, {"a", false}, {"b", true}, {"b", false}, {"c", false}} {
		if got := p.Take(want.owner, 1); got != want.got {
			t.Errorf("step %d: %s got a slot: %t", i+1, want.owner, got)
		}
	}
	p.Give("a", 1)
	if p.Take("a", 1) || !p.Take("c", 1) {
		t.Error("the slot that came back is not for who has none")
	}
}
