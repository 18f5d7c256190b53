package pacing

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// admitArgs are the arguments of admit.lua.
func (p *Pacer) admitArgs(a tasks.AdmissionRequest) []any {
	limits, priority := p.cfg.Limits, a.Payload.Priority
	minute, extraMinute := share(limits.MemberPerMinute)
	hour, extraHour := share(limits.MemberPerHour)
	mode := ""
	if a.CheckOnly {
		mode = "check"
	}
	fields := ledger.BeginFields(a.Payload)
	args := make([]any, 0, 22+len(fields)+len(a.Users))
	args = append(args,
		p.now(), mode, a.Policy.InFlight.Milliseconds(), resendWindow(a.Policy), a.Policy.Resends, flag(a.Policy.MayDouble),
		unixMilli(a.Payload.ExpiresAt), p.cfg.RecordTTL.Milliseconds(),
		milliseconds(interval(limits.CallsPerMinute)), milliseconds(priority.HeadStart()), flag(priority == tasks.Critical),
		minute, hour, extraMinute, extraHour, limits.DayQuota(priority), p.unlisted(a), a.Payload.TurnAt, a.Delivery, a.Payload.ID,
		ledger.BroadcastCall(a.Payload.ID), len(fields),
	)
	args = append(args, fields...)
	return appendUsers(args, a.Users)
}

// appendUsers writes userids as the scripts know them: WeCom does not tell the cases
// apart.
func appendUsers(args []any, users []string) []any {
	for _, user := range users {
		args = append(args, strings.ToLower(user))
	}
	return args
}

// unlisted is what the recipients that a message does not name count as: "@all" as
// all seats, a department or tag as one, because nobody knows its members.
func (p *Pacer) unlisted(a tasks.AdmissionRequest) int {
	if a.Everyone {
		return max(p.cfg.Limits.Seats, 1)
	}
	return a.Groups
}

const (
	// jitterAllowance is how much later than another call's one call may reach
	// WeCom after both were admitted.
	jitterAllowance = 250 * time.Millisecond
	// criticalShare of a member's windows is for critical messages only.
	criticalShare = 10
)

// interval spaces the calls so that no window of a minute ever holds more than
// the limit, the head start of critical messages and jitter included.
func interval(perMinute int) time.Duration {
	return (time.Minute + jitterAllowance + tasks.Critical.HeadStart()) / time.Duration(perMinute)
}

// share divides a member's window: what every message may use, and what comes on
// top for critical ones. A window of one message cannot be divided.
func share(limit int) (all, critical int) {
	if limit > 1 {
		critical = max(1, limit/criticalShare)
	}
	return limit - critical, critical
}

func resendWindow(policy tasks.ResendPolicy) int64 {
	if policy.Window == tasks.Forever {
		return -1
	}
	return policy.Window.Milliseconds()
}

func readAdmission(reply []string) (tasks.Admission, error) {
	const values = 11
	if len(reply) != values {
		return tasks.Admission{}, fmt.Errorf("admit.lua replied %d values, want %d", len(reply), values)
	}
	n, err := strconv.Atoi(reply[1])
	wait, waitErr := duration(reply[2])
	spacing, spacingErr := duration(reply[3])
	concurrency, concurrencyErr := strconv.ParseFloat(reply[4], 64)
	now, nowErr := strconv.ParseInt(reply[8], 10, 64)
	inDoubt, inDoubtErr := strconv.Atoi(reply[9])
	followUps, followErr := readFollowUps(reply[7], now)
	if err := errors.Join(err, waitErr, spacingErr, concurrencyErr, nowErr, inDoubtErr, followErr); err != nil {
		return tasks.Admission{}, fmt.Errorf("admit.lua replied %q: %w", reply, err)
	}
	return tasks.Admission{
		Verdict: tasks.Verdict(reply[0]), Number: n, Wait: wait, Spacing: spacing, Concurrency: concurrency,
		Probe: reply[5] == "1", Reason: reply[6], At: now, FollowUps: followUps,
		InDoubt: inDoubt, Unanswered: reply[10] == "1",
	}, nil
}

// readFollowUps reads <turn ms>=<user>|<user>;… as admit.lua writes it.
func readFollowUps(text string, now int64) ([]tasks.FollowUp, error) {
	if text == "" {
		return nil, nil
	}
	var all []tasks.FollowUp
	for group := range strings.SplitSeq(text, ";") {
		turn, users, _ := strings.Cut(group, "=")
		at, err := strconv.ParseInt(turn, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("follow-up %q: %w", group, err)
		}
		all = append(all, tasks.FollowUp{
			Number: len(all) + 1, TurnAt: at, Wait: max(0, time.Duration(at-now)*time.Millisecond), Users: strings.Split(users, "|"),
		})
	}
	return all, nil
}

func duration(ms string) (time.Duration, error) {
	n, err := strconv.ParseFloat(ms, 64)
	return time.Duration(n * float64(time.Millisecond)), err
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
