package broadcast_test

import (
	"testing"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
)

func TestEverybodyGetsTheSameWordsOnce(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	created := b.create(b.draft("停电 <今晚>", list(2500)))
	if created.Recipients != 2500 || created.Calls != 3 {
		t.Errorf("%d recipients in %d calls, want 2500 in 3", created.Recipients, created.Calls)
	}
	done := b.await(created.ID, broadcast.Finished)
	if done.Counts.Accepted != 2500 || done.CallsDone != 3 {
		t.Errorf("%+v in %d calls", done.Counts, done.CallsDone)
	}
	b.eachOnce(created.ID, 2500)
}

func TestEverybodyGetsTheirOwnWords(t *testing.T) {
	t.Parallel()
	b := newBundle(t, daemontest.Config{})
	b.work()
	created := b.create(b.draft("你好 {{.name}}", list(300)))
	done := b.await(created.ID, broadcast.Finished)
	if done.Calls != 300 || done.Counts.Accepted != 300 {
		t.Errorf("%+v in %d calls", done.Counts, done.Calls)
	}
	b.eachOnce(created.ID, 300)
}
