package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// latePacer says which late calls it is told of.
type latePacer struct {
	worker.Pacer
	told chan time.Duration
}

func (p *latePacer) Report(ctx context.Context, f tasks.Finding) (tasks.Block, error) {
	if f.Kind == tasks.Late {
		p.told <- f.Took
	}
	return p.Pacer.Report(ctx, f)
}

func TestThePacerIsToldOfACallThatIsSlowerThanTheOthers(t *testing.T) {
	t.Parallel()
	const delay = 500 * time.Millisecond
	b := newBundle(t, wecomtest.Rules{})
	told := make(chan time.Duration, 10)
	b.app.Pacer = &latePacer{b.pacer(), told}
	b.work()
	send := func(f *wecomtest.Fault) {
		if f != nil {
			b.fault(*f)
		}
		b.send(text("a", "x"), producer.Options{})
		b.next()
	}
	send(&wecomtest.Fault{Delay: wecomtest.Duration(delay), Times: 1})
	if took := <-told; took < delay {
		t.Errorf("the first call is said to take %s, want %s at least", took, delay)
	}
	send(nil)
	send(&wecomtest.Fault{Delay: wecomtest.Duration(4 * delay), Times: 1})
	if took := <-told; took < 4*delay {
		t.Errorf("the slowest call is said to take %s, want %s at least, and nothing of the quick one before it", took, 4*delay)
	}
	send(&wecomtest.Fault{Reset: true, Times: 1})
	send(&wecomtest.Fault{Delay: wecomtest.Duration(delay), Times: 1})
	if len(told) > 0 {
		t.Errorf("the call without an answer is said to take %s, want none: %s are known", <-told, tasks.MaxLateness)
	}
}
