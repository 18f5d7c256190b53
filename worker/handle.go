package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/hibiken/asynq"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// redisRetry brings a message back whose ledger did not answer.
	redisRetry = 2 * time.Second
	// settlePatience ends before the task's own time does.
	settlePatience = 5 * time.Minute
	// restRetry brings a message back into a queue that is paused, because its app
	// rests: whoever resumes the app need not look for it elsewhere.
	restRetry = time.Second
	// redisPoll is how soon a handler asks Redis again that did not serve it.
	redisPoll = 500 * time.Millisecond
	holdPause = 15 * time.Second
	// versionRetry leaves a message to a newer worker.
	versionRetry = time.Minute
	// nameLength gives a delivery's name 50 random bits.
	nameLength = 10
)

// delivery is one message in the hands of a handler.
type delivery struct {
	name    string // no other delivery has it
	payload tasks.Payload
	request message.Request
	task    *asynq.Task
	retried int // attempts that counted so far
	allowed int // attempts that may count in all
	began   time.Time
	leave   tasks.Admission // to call; its Number is 0 before the attempt was written down
	span    trace.Span
}

// handle is asynq's handler: decode, ask for leave, call, settle. It does not end
// when asynq cancels ctx, for instance from the dashboard: a call that is cut off
// is an outcome nobody knows. Every step has a limit of its own.
func (l *lane) handle(ctx context.Context, task *asynq.Task) error {
	l.handlers.Add(1)
	defer l.handlers.Done()
	ctx = context.WithoutCancel(ctx)
	d, err := l.open(ctx, task)
	if errors.Is(err, tasks.ErrVersion) {
		return &retryError{err, versionRetry, true}
	}
	if err != nil {
		l.log.Error().Err(err).Str("type", task.Type()).Msg("unreadable task")
		return deadLetter(err)
	}
	l.cfg.OnDequeued(l.app.Name, d.payload.Priority, time.Since(d.payload.EnqueuedAt))
	l.remember(ctx, d)
	if problem := l.agentMismatch(d); problem != nil {
		return l.settle(ctx, d, tasks.Settlement{State: tasks.Rejected, ErrMsg: problem.Error()}, problem)
	}
	// The token comes first: between leave and call nothing may take long.
	if err := l.checkToken(ctx); err != nil {
		return l.withoutToken(ctx, d, err)
	}
	a, err := l.tracedAdmit(ctx, d)
	if err != nil {
		return &retryError{err, redisRetry, true}
	}
	return l.proceed(ctx, d, a)
}

func (l *lane) checkToken(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.app.attemptLimit())
	defer cancel()
	return l.app.Sender.CheckToken(ctx)
}

func (l *lane) proceed(ctx context.Context, d *delivery, a admitted) error {
	splitErr := l.split(ctx, d, a.FollowUps)
	if a.Verdict == tasks.Go {
		d.leave = a.Admission
		return l.send(ctx, d, a.turn, splitErr)
	}
	if splitErr != nil {
		return &retryError{splitErr, redisRetry, true}
	}
	switch a.Verdict {
	case tasks.Final:
		return l.acknowledge(ctx, d)
	case tasks.Park:
		return l.park(ctx, d)
	case tasks.TooLate:
		return l.settle(ctx, d, tasks.Settlement{State: tasks.Expired, ErrMsg: "its deadline passed before it could be sent"}, nil)
	case tasks.Hold:
		return l.hold(ctx, a)
	case tasks.Turn:
		return l.putBack(d, a)
	default: // busy
		return &retryError{errors.New("another attempt is under way"), a.Wait, true}
	}
}

// hold returns a message to the queue while the app rests, and makes sure that the
// queues do: somebody may have resumed them in the dashboard. They rest for a moment
// only, because the whole app may be resumed at this very moment.
func (l *lane) hold(ctx context.Context, a admitted) error {
	l.pause(ctx, min(a.Wait, holdPause))
	l.cfg.OnHeld(l.app.Name, a.Reason, a.Wait)
	return &retryError{errors.New("the app is in state " + a.Reason + "; see 'wecomq app ls'"), restRetry, true}
}

// open reads the task. Its body was checked before it was enqueued, perhaps by
// a newer version: unknown members are not this worker's business.
func (l *lane) open(ctx context.Context, task *asynq.Task) (*delivery, error) {
	payload, err := tasks.Decode(task.Type(), task.Payload())
	if err != nil {
		return nil, err
	}
	if payload.App != l.app.Name {
		return nil, fmt.Errorf("message %s is of app %s, but waits in a queue of app %s", payload.ID, payload.App, l.app.Name)
	}
	payload.Body = message.FillAgentID(payload.Body, l.app.AgentID)
	request, err := message.ParseLenient(payload.Body)
	if err != nil {
		return nil, fmt.Errorf("message %s: %w", payload.ID, err)
	}
	retried, _ := asynq.GetRetryCount(ctx)
	allowed, _ := asynq.GetMaxRetry(ctx)
	return &delivery{
		name: rand.Text()[:nameLength], payload: payload, request: request, task: task, retried: retried, allowed: allowed,
		began: time.Now(),
	}, nil
}

// agentMismatch catches a message for another application: WeCom would answer
// 301002, and that suspends the whole app.
func (l *lane) agentMismatch(d *delivery) error {
	if got := d.request.Common().AgentID; got != l.app.AgentID {
		return fmt.Errorf("agentid: %s, but app %s is agent %s; leave agentid out or send by the right app",
			got, l.app.Name, l.app.AgentID)
	}
	return nil
}

// send posts the message and settles what WeCom answers. obstacle is why there can
// be no call, nil for none.
func (l *lane) send(ctx context.Context, d *delivery, t *turn, obstacle error) error {
	var reply message.SendResponse
	err := l.call(ctx, d, t, obstacle, &reply)
	return l.settle(ctx, d, l.judge(d, &reply, err), err)
}

// call leaves the turnstile when the call is over, or has panicked.
func (l *lane) call(ctx context.Context, d *delivery, t *turn, obstacle error, reply *message.SendResponse) error {
	defer t.leave()
	if obstacle != nil {
		return obstacle
	}
	ctx, cancel := context.WithTimeout(ctx, l.app.attemptLimit())
	defer cancel()
	return l.app.Sender.Post(ctx, message.APISend, d.payload.Body, reply)
}

// judge turns WeCom's answer into what is written down.
func (l *lane) judge(d *delivery, reply *message.SendResponse, err error) tasks.Settlement {
	class := wecom.ClassOf(err)
	s := tasks.Settlement{
		State: outcomes[class].state, OutcomeUnknown: class == wecom.ClassUnknownOutcome,
		MsgID: reply.MsgID, ResponseCode: reply.ResponseCode,
		Recipients: recipientsOf(d.request.Common(), reply),
	}
	if err != nil {
		s.ErrCode, s.ErrMsg = codeOf(err), wecom.WithHint(err)
		s.Recipients.Accepted = 0
		return l.giveUp(d, outcomes[class], s)
	}
	// errcode 0 with "ok. Warning: wrong json format." may have lost content.
	if strings.Contains(strings.ToLower(reply.ErrMsg), "warning") {
		s.ErrMsg = "WeCom took the message and said: " + reply.ErrMsg
	}
	if refused := s.Recipients.Refused(); refused > 0 {
		s.State = tasks.Partial
		s.ErrMsg = fmt.Sprintf("WeCom took the message but refused %d of its recipients", refused)
	}
	return s
}

// giveUp makes a failure final when there is no next attempt: they are used up,
// or WeCom may have taken the message and it must not be sent again.
func (l *lane) giveUp(d *delivery, o outcome, s tasks.Settlement) tasks.Settlement {
	last := o.wait != nil && !o.free && d.retried+1 >= d.allowed
	switch {
	case s.OutcomeUnknown && (last || l.resendPolicy(d.request.Common()).Window == 0):
		s.State = tasks.Unknown
	case last:
		s.State = tasks.Rejected
		s.ErrMsg = fmt.Sprintf("all %d attempts used up; the last: %s", d.allowed, s.ErrMsg)
	}
	return s
}

// park gives up on a message that WeCom may have taken, and that must not be
// sent again.
func (l *lane) park(ctx context.Context, d *delivery) error {
	err := errors.New("an earlier attempt ended without an answer, and the message may not be sent again")
	return l.settle(ctx, d, tasks.Settlement{State: tasks.Unknown, OutcomeUnknown: true, ErrMsg: err.Error()}, err)
}

// settle writes the record, then tells asynq. A record that cannot be written
// for minutes brings the task back: its attempt then has an unknown outcome.
func (l *lane) settle(ctx context.Context, d *delivery, s tasks.Settlement, cause error) error {
	record, err := l.record(ctx, d, s)
	if err != nil {
		l.log.Error().Err(err).Str(fields.MessageID, d.payload.ID).Str(fields.MsgID, s.MsgID).Msg("the outcome is lost")
		return &retryError{err, redisRetry, true}
	}
	l.report(d, record, cause)
	rest := l.learn(ctx, d, cause)
	if !s.State.Final() {
		return l.retry(d, cause, rest)
	}
	l.cfg.OnSettled(record)
	return l.finish(d, record, cause)
}

// record writes down what became of an attempt, however long Redis is away:
// nobody else knows it. It is tried once at least, also when the worker stops.
func (l *lane) record(ctx context.Context, d *delivery, s tasks.Settlement) (tasks.Record, error) {
	patience, cancel := l.untilStopped(ctx)
	defer cancel()
	return backoff.Retry(patience, func() (tasks.Record, error) {
		record, err := l.app.Ledger.Settle(ctx, d.payload, s)
		return record, l.outage.check(err)
	}, backoff.WithBackOff(backoff.NewConstantBackOff(redisPoll)), backoff.WithMaxElapsedTime(settlePatience),
		backoff.WithNotify(once(func(err error) {
			l.log.WithLevel(l.levelOf(err)).Err(err).Str(fields.MessageID, d.payload.ID).Msg("the outcome is not recorded yet")
		})))
}

// untilStopped ends when nobody waits for handlers any more.
func (l *lane) untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithCancelCause(ctx)
	forget := context.AfterFunc(l.stopped, func() { stop(errStopping) })
	return ctx, func() {
		forget()
		stop(nil)
	}
}

// once passes on the first of many errors.
func once(do func(error)) backoff.Notify {
	said := false
	return func(err error, _ time.Duration) {
		if !said {
			do(err)
		}
		said = true
	}
}

// retry brings the message back after the time its outcome sets, or when the app's
// rest is over: until then its queue does not give it away.
func (l *lane) retry(d *delivery, cause error, rest time.Duration) error {
	o := outcomes[wecom.ClassOf(cause)]
	wait := o.wait(cause, d.retried)
	if rest > 0 {
		wait = restRetry
	}
	return &retryError{cause, wait, o.free}
}

// acknowledge ends a redelivered task whose message is done with.
func (l *lane) acknowledge(ctx context.Context, d *delivery) error {
	record, err := l.app.Ledger.Record(ctx, d.payload.ID)
	if err != nil {
		return &retryError{err, redisRetry, true}
	}
	if revived, err := l.revive(ctx, d, record); revived || err != nil {
		return runAgain(err)
	}
	l.log.Info().Str(fields.MessageID, record.ID).Str(fields.State, string(record.State)).Msg("redelivered, already done")
	return l.finish(d, record, errors.New(record.ErrMsg))
}

// finish shows the record in the dashboard and ends the task: archived when the
// message needs somebody's attention, completed otherwise.
func (l *lane) finish(d *delivery, record tasks.Record, cause error) error {
	result, err := record.JSON()
	if err == nil {
		_, err = d.task.ResultWriter().Write(result)
	}
	if err != nil {
		l.log.WithLevel(l.levelOf(err)).Err(err).Str(fields.MessageID, record.ID).Msg("the dashboard will not show the result")
	}
	if record.State.Dead() {
		return archived(record, cause)
	}
	return nil
}
