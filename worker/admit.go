package worker

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wecomq/wecomq/internal/asynqx"
	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// maxPatience bounds how long a handler waits for files, the app's rate, or Redis. Together with the call
	// and [settlePatience] it is less than [tasks.TaskTimeout].
	maxPatience = 3 * time.Minute
	// redisPoll is how often a handler repeats a call that Redis did not answer.
	redisPoll = 500 * time.Millisecond
	// shortWait is the longest wait that a handler sits out. For a longer one the message
	// goes back to the queue, which counts in whole seconds.
	shortWait = 3 * time.Second
)

// admitted is the permission to call: the attempt is recorded. The caller must leave the passage.
type admitted struct {
	*passage

	tasks.Admission

	asked time.Time // before the admission
}

// admit waits until the message may be sent, or must not be sent now: the verdict is then not [tasks.Go], and
// there is no passage to leave.
func (l *lane) admit(ctx context.Context, d *delivery) (admitted, error) {
	ctx, end := l.startAdmissionSpan(ctx, d)
	a, err := l.pass(ctx, d)
	end(a.Admission, err)
	return a, err
}

// pass goes through the turnstile, as often as the pacer requires. It waits until a handler
// has waited long enough, or the lane stops.
//
//nolint:contextcheck // what is waited for is the lane's; one context less per message
func (l *lane) pass(ctx context.Context, d *delivery) (admitted, error) {
	patience, cancel := context.WithDeadlineCause(l.stopping, d.began.Add(maxPatience), errImpatient)
	defer cancel()
	passage, err := l.turnstile.enter(patience, d.payload.Priority, d.payload.Actor)
	for err == nil {
		var a tasks.Admission
		asked := time.Now()
		if a, err = l.ask(ctx, patience, d); err != nil {
			passage.release()
			return admitted{}, err
		}
		passage.answer(a)
		switch {
		case a.Verdict == tasks.Go:
			return admitted{passage, a, asked}, nil
		case a.Verdict == tasks.Wait:
			l.cfg.OnHeld(l.app.Name, "rate", a.Wait)
			passage, err = passage.again(patience)
		case a.Verdict == tasks.Turn && a.Wait <= shortWait && len(a.FollowUps) == 0:
			passage.release()
			if err = sleep(patience, a.Wait); err == nil {
				passage, err = l.turnstile.enter(patience, d.payload.Priority, d.payload.Actor)
			}
		default:
			passage.release()
			return admitted{Admission: a}, nil
		}
	}
	return admitted{}, err
}

// ask asks the pacer, and retries while Redis is unavailable until patience ends. That is safe: if a reply
// was lost, the same delivery gets the same decision again.
func (l *lane) ask(ctx, patience context.Context, d *delivery) (tasks.Admission, error) {
	question := l.admissionRequest(d)
	return backoff.Retry(patience, func() (tasks.Admission, error) {
		a, err := l.app.Pacer.Admit(ctx, question)
		if l.outage.check(err) != nil && !asynqx.IsOutage(err) {
			l.log.Error().Err(err).Str(fields.MessageID, d.payload.ID).Msg("the message waits: its limits cannot be read")
			err = backoff.Permanent(err)
		}
		return a, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(redisPoll)), backoff.WithMaxElapsedTime(0))
}

// sleep waits, unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// admissionRequest asks whether the message may be sent.
func (l *lane) admissionRequest(d *delivery) tasks.AdmissionRequest {
	to := d.common().Recipients()
	a := tasks.AdmissionRequest{
		Payload: d.payload, Delivery: d.name, Policy: l.resendPolicy(d),
		Everyone: to.All(), Groups: len(to.Parties) + len(to.Tags),
	}
	if !a.Everyone {
		a.Users = to.Users
	}
	return a
}

// resendPolicy says how long this message may be sent again once WeCom may have accepted it. The last call
// has to arrive within the duplicate-check interval, so the policy ends one call's timeout before it, or at
// half of a very short interval. A card update may be sent again at any time: WeCom accepts its code once.
func (l *lane) resendPolicy(d *delivery) tasks.ResendPolicy {
	policy, common := tasks.ResendPolicy{InFlight: l.app.attemptLimit(), Resends: tasks.Unlimited}, d.common()
	switch {
	case d.update != nil:
		policy.Window = tasks.Forever
	case common.EnableDuplicateCheck == 1:
		interval := common.DuplicateCheckWindow()
		policy.Window = interval - min(l.app.Timeout, interval/2)
	case l.app.OnUnknown == Resend:
		policy.Window, policy.Resends, policy.MayDouble = tasks.Forever, l.app.UnknownResends, true
	}
	return policy
}

// notReady settles a message that has no access token, or no media_id. If the pacer's check
// already decides, for instance because the message has expired, that decision stands.
func (l *lane) notReady(ctx context.Context, d *delivery, cause error) error {
	question := l.admissionRequest(d)
	question.CheckOnly = true
	a, err := l.app.Pacer.Admit(ctx, question)
	switch {
	case err != nil:
		return later(err, redisRetry)
	case a.Verdict != tasks.Go:
		return l.notAdmitted(ctx, d, a)
	case wecom.ClassOf(cause) == wecom.ClassOther && !isUpload(cause): // from the turnstile or Redis
		return later(cause, redisRetry)
	}
	// Recipients with a follow-up are no longer recipients of this message.
	if err := l.split(ctx, d, a.FollowUps); err != nil {
		return later(err, redisRetry)
	}
	return l.settle(ctx, d, l.judge(d, &message.SendResponse{}, cause), cause)
}

// putBack returns a message to the queue until its recipients' turn, or until its deadline if that is
// earlier. It does not use up an attempt.
func (l *lane) putBack(d *delivery, a tasks.Admission) error {
	l.cfg.OnHeld(l.app.Name, a.Reason, a.Wait)
	wait := a.Wait
	if deadline := d.payload.ExpiresAt; !deadline.IsZero() {
		wait = min(wait, max(0, deadline.Sub(l.clock.Latest())))
	}
	return later(&asynqx.HoldError{Limit: a.Reason}, wait)
}
