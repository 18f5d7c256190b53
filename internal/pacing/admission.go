package pacing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/groupcommit"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
)

// mostTogether is how many messages and recipients are admitted in one round trip: Redis is blocked meanwhile.
const mostTogether = 128

// usualArgs is how many arguments a message to one recipient usually has.
const usualArgs = 28

// admissionWeight is what a message adds to mostTogether.
func admissionWeight(a tasks.AdmissionRequest) int { return 1 + len(a.Users) }

// admit decides on the messages in one round trip, each in view of those before it.
func (p *Pacer) admit(ctx context.Context, asked []tasks.AdmissionRequest) []groupcommit.Answer[tasks.Admission] {
	app := p.cfg.App
	names := append(make([]string, 0, 6+2*len(asked)),
		keys.Pace(app), keys.Window(app, ""), keys.Plan(app, ""), keys.Quota(app, ""), keys.Records(app), keys.BroadcastsSent(app))
	args := slices.Grow(p.limitArgs(), len(asked)*usualArgs)
	for _, a := range asked {
		names = append(names, keys.Record(app, a.Payload.ID), ledger.BroadcastKey(app, a.Payload.ID))
		args = p.appendAskArgs(args, a)
	}
	replies, err := admitScript.Run(durability.Promised(ctx), p.rdb, names, args...).Slice()
	answers := groupcommit.Answers(asked, replies, err, func(_ tasks.AdmissionRequest, reply any) (tasks.Admission, error) {
		return readAdmission(ledger.ReplyTexts(reply))
	})
	for i, a := range asked {
		if answers[i].Err != nil {
			answers[i].Err = fmt.Errorf("admit %s: %w", a.Payload.ID, answers[i].Err)
		}
	}
	return answers
}

// limitArgs are the arguments of admit.lua that all messages share.
func (p *Pacer) limitArgs() []any {
	limits := p.cfg.Limits
	minute, extraMinute := share(limits.MemberPerMinute)
	hour, extraHour := share(limits.MemberPerHour)
	return []any{
		p.now(), p.cfg.RecordTTL.Milliseconds(), milliseconds(spacedOver), limits.CallsPerMinute, minute, hour, extraMinute, extraHour,
	}
}

// appendAskArgs appends the arguments of one message.
func (p *Pacer) appendAskArgs(args []any, a tasks.AdmissionRequest) []any {
	priority, mode := a.Payload.Priority, ""
	if a.CheckOnly {
		mode = "check"
	}
	fields := ledger.BeginFields(a.Payload)
	args = append(args,
		mode, a.Policy.InFlight.Milliseconds(), resendWindow(a.Policy), a.Policy.Resends, flag(a.Policy.MayDouble),
		unixMilli(a.Payload.ExpiresAt), milliseconds(priority.HeadStart()), flag(priority == tasks.Critical),
		p.cfg.Limits.DayQuota(priority), p.unlisted(a), a.Payload.TurnAt, a.Delivery, a.Payload.ID,
		ledger.BroadcastCall(a.Payload.ID), len(fields), len(a.Users),
	)
	args = append(args, fields...)
	return appendUsers(args, a.Users)
}

// appendUsers appends userids in lower case: WeCom ignores the case.
func appendUsers(args []any, users []string) []any {
	for _, user := range users {
		args = append(args, strings.ToLower(user))
	}
	return args
}

// unlisted is how many recipients the unnamed ones count as: "@all" as all seats, a department or tag as one,
// because its members are unknown.
func (p *Pacer) unlisted(a tasks.AdmissionRequest) int {
	if a.Everyone {
		return max(p.cfg.Limits.Seats, 1)
	}
	return a.Groups
}

const (
	// clockDrift is how much less than Redis's clock WeCom's may move in a minute: 500 ppm, the most that ntpd corrects.
	clockDrift = 30 * time.Millisecond
	// criticalShare is the fraction, one in so many, of a member's windows that is reserved for critical messages.
	criticalShare = 10
)

// spacedOver is the time over which admit.lua spreads the calls of a minute, apart from their lateness: no minute has
// more than the limit, although a critical message may be sent before its place.
var spacedOver = time.Minute + clockDrift + tasks.Critical.HeadStart()

// share divides a member's window into what every message may use, and what critical ones may use in addition. A
// window of one message cannot be divided.
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
	const length = 13
	switch {
	case len(reply) != length:
		return tasks.Admission{}, fmt.Errorf("admit.lua replied %q, want %d texts", reply, length)
	case reply[0] == "error":
		return tasks.Admission{}, ledger.ScriptError(reply[6])
	}
	n, err := strconv.Atoi(reply[1])
	wait, waitErr := duration(reply[2])
	spacing, spacingErr := duration(reply[3])
	concurrency, concurrencyErr := strconv.ParseFloat(reply[4], 64)
	now, nowErr := strconv.ParseInt(reply[8], 10, 64)
	inDoubt, inDoubtErr := strconv.Atoi(reply[9])
	slowest, slowestErr := duration(reply[11])
	followUps, followErr := readFollowUps(reply[7], now, reply[12])
	if err := errors.Join(err, waitErr, spacingErr, concurrencyErr, nowErr, inDoubtErr, slowestErr, followErr); err != nil {
		return tasks.Admission{}, fmt.Errorf("admit.lua replied %q: %w", reply, err)
	}
	return tasks.Admission{
		Verdict: tasks.Verdict(reply[0]), Number: n, Wait: wait, Spacing: spacing, Concurrency: concurrency,
		Probe: reply[5] == "1", Reason: reply[6], At: now, FollowUps: followUps,
		InDoubt: inDoubt, Unanswered: reply[10] == "1", Slowest: slowest,
	}, nil
}

// readFollowUps reads <turn ms>=<user>|<user>;… as admit.lua writes it. A turn at midnight means waiting for the
// day quota.
func readFollowUps(text string, now int64, midnight string) ([]tasks.FollowUp, error) {
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
		limit := "member"
		if turn == midnight {
			limit = "quota"
		}
		all = append(all, tasks.FollowUp{
			Number: len(all) + 1, TurnAt: at, Wait: max(0, time.Duration(at-now)*time.Millisecond), Limit: limit, Users: strings.Split(users, "|"),
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
