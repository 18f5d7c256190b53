package worker_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// forgetfulPacer notes what it is told of calls, and loses the second request.
type forgetfulPacer struct {
	worker.Pacer
	told chan time.Duration
}

func (p *forgetfulPacer) Admit(ctx context.Context, a tasks.AdmissionRequest) (tasks.Admission, error) {
	p.told <- a.SlowestCall
	if len(p.told) == 2 {
		return tasks.Admission{}, errors.New("lost")
	}
	return p.Pacer.Admit(ctx, a)
}

func TestThePacerLearnsHowLongTheSlowestCallTook(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	told := make(chan time.Duration, 10)
	b := newBundle(t, wecomtest.Rules{})
	b.app.Pacer = &forgetfulPacer{b.pacer(), told}
	b.fault(wecomtest.Fault{Delay: wecomtest.Duration(delay), Times: 1})
	b.work()
	for range 2 {
		b.send(text("a", "slow"), producer.Options{})
		b.next()
	}
	if first, lost, second := <-told, <-told, <-told; first != 0 || lost < delay || second != lost {
		t.Errorf("the requests tell of calls of %s, %s and %s; want none, and then twice more than %s", first, lost, second, delay)
	}
	b.send(text("a", "quick"), producer.Options{})
	b.next()
	if third := <-told; third == 0 {
		t.Error("the last request tells of no call, want the quick one")
	}
}
