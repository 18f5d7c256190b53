package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// settlePatience is how long a handler tries to record an outcome. It ends before
// [tasks.TaskTimeout] does.
const settlePatience = 5 * time.Minute

// judge turns WeCom's answer into the settlement to record.
func (l *lane) judge(d *delivery, reply *message.SendResponse, err error) tasks.Settlement {
	class := wecom.ClassOf(err)
	s := tasks.Settlement{
		State: outcomes[class].state, OutcomeUnknown: class == wecom.ClassUnknownOutcome,
		MsgID: reply.MsgID, ResponseCode: reply.ResponseCode,
		Recipients: d.outcome(reply),
	}
	if err != nil {
		s.ErrCode, s.ErrMsg = codeOf(err), wecom.WithHint(err)
		s.Recipients.Accepted = 0
		return l.giveUp(d, outcomes[class], s)
	}
	// With errcode 0 and "ok. Warning: wrong json format.", content may have been lost.
	if strings.Contains(strings.ToLower(reply.ErrMsg), "warning") {
		s.ErrMsg = "WeCom took the message with a warning: " + reply.ErrMsg
	}
	if len(reply.Unread) > 0 {
		// Sending it again would duplicate it for those who got it.
		s.State, s.Recipients.Accepted = tasks.Unknown, 0
		s.ErrMsg = fmt.Sprintf("WeCom took the message, but it is unknown who got it: its answer has %s in an unknown form",
			strings.Join(reply.Unread, ", "))
		return s
	}
	if refused := s.Recipients.Refused(); refused > 0 {
		s.State = tasks.Partial
		s.ErrMsg = fmt.Sprintf("WeCom took the message but refused %d of its recipients", refused)
	}
	return s
}

// outcome counts who got the message: its recipients except those that WeCom refused.
func (d *delivery) outcome(reply *message.SendResponse) tasks.Recipients {
	r := tasks.Recipients{
		Invalid: reply.InvalidUsers(), Unlicensed: reply.UnlicensedUsers(),
		InvalidParties: reply.InvalidParties(), InvalidTags: reply.InvalidTags(),
	}
	r.Accepted = max(d.recipients().Count()-r.Refused(), 0)
	return r
}

// codeOf is WeCom's errcode, 0 if WeCom did not answer.
func codeOf(err error) int64 {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return int64(refused.Code)
	}
	return 0
}

// giveUp makes a failure final if there is no next attempt: all are used up, or WeCom may have accepted the
// message and it must not be sent again.
func (l *lane) giveUp(d *delivery, o outcome, s tasks.Settlement) tasks.Settlement {
	last := o.wait != nil && !o.uncounted && d.retried+1 >= d.allowed
	switch {
	case s.OutcomeUnknown && (last || !l.mayResend(d)):
		s.State = tasks.Unknown
	case last:
		s.State = tasks.Rejected
		s.ErrMsg = fmt.Sprintf("all %d attempts used up; the last: %s", d.allowed, s.ErrMsg)
	}
	return s
}

// mayResend reports whether a message may be sent again although WeCom may have accepted its newest attempt,
// and perhaps earlier ones.
func (l *lane) mayResend(d *delivery) bool {
	policy := l.resendPolicy(d)
	return policy.Window != 0 && (policy.Resends == tasks.Unlimited || d.admission.InDoubt < policy.Resends)
}

// park gives up on a message that WeCom may have accepted and that must not be sent again.
func (l *lane) park(ctx context.Context, d *delivery) error {
	err := errors.New("an earlier attempt ended without an answer, and the message may not be sent again")
	return l.settle(ctx, d, tasks.Settlement{State: tasks.Unknown, OutcomeUnknown: true, ErrMsg: err.Error()}, err)
}

// settle writes the record, then tells asynq. If the record cannot be written for minutes, the task is
// retried and the outcome of its attempt is unknown.
func (l *lane) settle(ctx context.Context, d *delivery, s tasks.Settlement, cause error) error {
	record, err := l.record(ctx, d, s)
	if err != nil {
		l.log.Error().Err(err).Str(fields.MessageID, d.payload.ID).Str(fields.MsgID, s.MsgID).Msg("the outcome is lost")
		return later(err, redisRetry)
	}
	l.report(ctx, d, record, cause)
	if cause == nil {
		l.giveBack(ctx, d, s.Recipients)
	}
	blockedFor := l.learn(ctx, d, cause)
	if !s.State.Final() {
		return retry(d, cause, blockedFor)
	}
	l.cfg.OnSettled(record)
	return l.finish(d, record, cause)
}

// record records the outcome of an attempt, which exists nowhere else, and retries while Redis is
// unavailable. It tries at least once, even if the worker is stopping.
//
//nolint:contextcheck // handlers are waited for until the lane has stopped
func (l *lane) record(ctx context.Context, d *delivery, s tasks.Settlement) (tasks.Record, error) {
	return backoff.Retry(l.stopped, func() (tasks.Record, error) {
		record, err := l.app.Ledger.Settle(ctx, d.payload, s)
		return record, l.outage.check(err)
	}, backoff.WithBackOff(backoff.NewConstantBackOff(redisPoll)), backoff.WithMaxElapsedTime(settlePatience),
		backoff.WithNotify(once(func(err error) {
			l.log.WithLevel(l.levelOf(err)).Err(err).Str(fields.MessageID, d.payload.ID).Msg("the outcome is not recorded yet")
		})))
}

// once notifies of the first error only.
func once(do func(error)) backoff.Notify {
	said := false
	return func(err error, _ time.Duration) {
		if !said {
			do(err)
		}
		said = true
	}
}

// retry retries the message after the delay of its outcome, or once the app's block is over: until then its
// queue is paused.
func retry(d *delivery, cause error, blockedFor time.Duration) error {
	o := outcomes[wecom.ClassOf(cause)]
	wait := o.wait(cause, d.retried)
	if blockedFor > 0 {
		wait = blockedRetry
	}
	if o.uncounted {
		return later(cause, wait)
	}
	return attemptFailed(cause, wait)
}

// acknowledge ends a redelivered task whose message is finished already.
func (l *lane) acknowledge(ctx context.Context, d *delivery) error {
	if d.payload.Broadcast() != "" {
		return nil // its broadcast has the outcome
	}
	record, err := l.app.Ledger.Record(ctx, d.payload.ID)
	if err != nil {
		return later(err, redisRetry)
	}
	if revived, err := l.revive(ctx, d, record); revived || err != nil {
		return runAgain(err)
	}
	l.log.Info().Str(fields.MessageID, record.ID).Str(fields.State, string(record.State)).Msg("redelivered, already done")
	return l.finish(d, record, errors.New(record.ErrMsg))
}

// finish shows the record in the dashboard and ends the task: archived if the message needs attention,
// completed otherwise. The outcome of a broadcast's call is in the records of the broadcast.
func (l *lane) finish(d *delivery, record tasks.Record, cause error) error {
	if d.payload.Broadcast() != "" {
		return nil
	}
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
