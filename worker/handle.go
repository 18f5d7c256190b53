package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// holdPause bounds the pause that a held message puts on its app's queues. It is short because an operator
// may be resuming the app at the same moment.
const holdPause = 15 * time.Second

// handle processes one delivery of a message: decode, admit, call, settle.
func (l *lane) handle(ctx context.Context, task *asynq.Task) error {
	if task.Type() == tasks.TypeName(tasks.BroadcastType) {
		return l.feed(ctx, task)
	}
	d, err := l.decode(ctx, task)
	if err != nil {
		return l.unreadable(task, err)
	}
	l.cfg.OnDequeued(l.app.Name, d.payload.Priority, l.clock.Latest().Sub(d.payload.EnqueuedAt))
	if problem := l.agentMismatch(d); problem != nil {
		return l.settle(ctx, d, tasks.Settlement{State: tasks.Rejected, ErrMsg: problem.Error()}, problem)
	}
	// The token comes first: nothing slow may happen between the admission and the call.
	if err := l.checkToken(ctx); err != nil {
		return l.notReady(ctx, d, err)
	}
	if err := l.ensureMedia(ctx, d); isUnsent(err) {
		return untried(err)
	} else if err != nil {
		return l.notReady(ctx, d, err)
	}
	a, err := l.admit(ctx, d)
	if err != nil {
		return untried(err)
	}
	if a.Verdict != tasks.Go {
		return l.notAdmitted(ctx, d, a.Admission)
	}
	reply, err := l.call(ctx, d, a)
	if d.tookBefore(err) {
		return l.settle(ctx, d, d.taken(), nil)
	}
	return l.settle(ctx, d, l.judge(d, reply, err), err)
}

// tracked counts the handlers, so that run can wait for them, and shields them from asynq, which cancels ctx,
// for instance from the dashboard: the outcome of a cancelled call would be unknown. Every step of a handler
// has a time limit instead.
func (l *lane) tracked(handle asynq.HandlerFunc) asynq.HandlerFunc {
	return func(ctx context.Context, task *asynq.Task) error {
		growStack()
		l.handlers.Add(1)
		defer l.handlers.Done()
		return handle(context.WithoutCancel(ctx), task)
	}
}

func (l *lane) checkToken(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.app.attemptLimit())
	defer cancel()
	return l.app.Sender.CheckToken(ctx)
}

// call posts the message to the recipients whose turn it is. It leaves the turnstile after the call, even in
// a panic.
func (l *lane) call(ctx context.Context, d *delivery, a admitted) (*message.SendResponse, error) {
	defer leaveRoom(ctx)
	defer a.release()
	defer func() { d.took = time.Since(a.asked) }()
	d.admission = a.Admission
	reply := new(message.SendResponse)
	if err := l.split(ctx, d, a.FollowUps); err != nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.app.attemptLimit())
	defer cancel()
	if d.update != nil {
		return l.changeCard(ctx, d)
	}
	return reply, l.post(ctx, d, reply)
}

// notAdmitted acts on a verdict other than [tasks.Go].
func (l *lane) notAdmitted(ctx context.Context, d *delivery, a tasks.Admission) error {
	if err := l.split(ctx, d, a.FollowUps); err != nil {
		return later(err, redisRetry)
	}
	switch a.Verdict {
	case tasks.Final:
		return l.acknowledge(ctx, d)
	case tasks.Park:
		return l.park(ctx, d)
	case tasks.Withdrawn:
		return nil
	case tasks.TooLate:
		return l.settle(ctx, d, tasks.Settlement{State: tasks.Expired, ErrMsg: "its deadline passed before it could be sent"}, nil)
	case tasks.Hold:
		return l.hold(ctx, a)
	case tasks.Turn:
		return l.putBack(d, a)
	default: // tasks.Busy
		return later(errors.New("another attempt is under way, or the broadcast is paused"), a.Wait)
	}
}

// hold returns a message to the queue while the app is blocked, and ensures that the queues are paused: they
// may have been resumed in the dashboard.
func (l *lane) hold(ctx context.Context, a tasks.Admission) error {
	l.pauseQueues(ctx, min(a.Wait, holdPause))
	l.cfg.OnHeld(l.app.Name, a.Reason, a.Wait)
	return later(fmt.Errorf("the app is in state %s; see 'wecomq app ls'", a.Reason), blockedRetry)
}
