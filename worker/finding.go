package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wecomq/wecomq/internal/fields"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// shareTime bounds the report of a finding.
const shareTime = 3 * time.Second

// findingsOf returns what WeCom's answer to a message, or its absence, says about the app.
func (l *lane) findingsOf(d *delivery, err error) []tasks.Finding {
	class := wecom.ClassOf(err)
	about := func(kind tasks.FindingKind) tasks.Finding {
		return tasks.Finding{Kind: kind, Request: l.admissionRequest(d), Admission: d.admission}
	}
	var findings []tasks.Finding
	switch block, blocked := blockOf(err); {
	case blocked:
		findings = append(findings, block)
	case (class == wecom.ClassUnreachable || class == wecom.ClassUnknownOutcome) && !isUpload(err):
		findings = append(findings, silence(about, err))
	case d.admission.Probe:
		findings = append(findings, about(probeResult(class)))
	case d.admission.Unanswered && !isUnsent(err):
		findings = append(findings, about(tasks.Answered))
	}
	findings = append(findings, lateness(d, err)...)
	if class == wecom.ClassConcurrency {
		findings = append(findings, tasks.Finding{Kind: tasks.TooManyInFlight})
	}
	if d.admission.Number > 0 && err != nil && class != wecom.ClassUnknownOutcome {
		findings = append(findings, about(tasks.Refund))
	}
	return findings
}

// blockOf returns the block of the whole app that an answer causes, if any.
func blockOf(err error) (tasks.Finding, bool) {
	switch class := wecom.ClassOf(err); {
	case class == wecom.ClassRate && isUpload(err): // the limit applies to uploads
	case class == wecom.ClassRate && !isGetToken(err):
		return tasks.Finding{Kind: tasks.RateLimited, Reason: wecom.WithHint(err)}, true
	case class == wecom.ClassRate, class == wecom.ClassConfig && isAppWide(err):
		return tasks.Finding{Kind: tasks.Misconfigured, BlockedFor: suspension(err, 0), Reason: wecom.WithHint(err)}, true
	}
	return tasks.Finding{}, false
}

// silence is the finding that follows from a call that WeCom did not answer.
func silence(about func(tasks.FindingKind) tasks.Finding, err error) tasks.Finding {
	kind := tasks.Unanswered
	if wecom.ClassOf(err) == wecom.ClassUnreachable {
		kind = tasks.Unreachable
	}
	f := about(kind)
	f.Reason = wecom.WithHint(err)
	if held, ok := errors.AsType[*wecom.TokenHeldError](err); ok {
		f.BlockedFor = time.Until(held.Until)
	}
	return f
}

// lateness is the finding that follows from the slowest call of the last minute. Without an answer, WeCom may count the
// call at any time. What follows the call in the same attempt counts as well, such as the upload of a file that WeCom no
// longer has.
func lateness(d *delivery, err error) []tasks.Finding {
	class, took := wecom.ClassOf(err), min(d.took, tasks.MaxLateness)
	if class == wecom.ClassUnknownOutcome {
		took = tasks.MaxLateness
	}
	called := d.took > 0 && class != wecom.ClassUnreachable && !isUnsent(err)
	if !called || took <= d.admission.Slowest {
		return nil
	}
	return []tasks.Finding{{Kind: tasks.Late, Took: took}}
}

// isUnsent reports whether a call was not made because of a local problem: then WeCom has not answered
// anything.
func isUnsent(err error) bool {
	_, unsent := errors.AsType[*wecom.UnsentError](err)
	return unsent
}

// probeResult reports whether a probe has shown that the app is no longer blocked.
func probeResult(class wecom.Class) tasks.FindingKind {
	switch class {
	case wecom.ClassTransient, wecom.ClassToken:
		return tasks.Inconclusive
	default:
		return tasks.Recovered
	}
}

// isAppWide distinguishes a setting that stops every message of the app from one that stops messages of this
// kind only (see [wecom.Scope]), and from a proxy that refuses this body (HTTP 4xx). Such a message must not
// stop the alerts behind it: it waits alone.
func isAppWide(err error) bool {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return refused.API == wecom.APIGetToken || refused.Code.Scope() == wecom.ScopeApp
	}
	return isGetToken(err)
}

func isGetToken(err error) bool { return apiOf(err) == wecom.APIGetToken }

func isUpload(err error) bool { return apiOf(err) == wecom.APIMediaUpload }

// apiOf is the API whose call failed, "" for any other error.
func apiOf(err error) string {
	if refused, ok := errors.AsType[*wecom.Error](err); ok {
		return refused.API
	}
	if broken, ok := errors.AsType[*wecom.CallError](err); ok {
		return broken.API
	}
	return ""
}

// learn reports what an answer says about the app, and returns how long the app is blocked because of it: 0
// if it is not, or if Redis is unavailable.
func (l *lane) learn(ctx context.Context, d *delivery, err error) (blockedFor time.Duration) {
	for _, finding := range l.findingsOf(d, err) {
		blockedFor = max(blockedFor, l.note(ctx, finding))
	}
	return blockedFor
}

// note reports a finding. Every worker that finds the app blocked pauses its queues; the
// first one logs the block.
func (l *lane) note(ctx context.Context, f tasks.Finding) time.Duration {
	block, err := l.share(ctx, f)
	switch {
	case err != nil:
		l.log.WithLevel(l.levelOf(err)).Err(err).Str("finding", string(f.Kind)).Msg("could not share a finding with the other workers")
	case block.Fresh && f.Kind == tasks.Recovered:
		l.log.Info().Msg("the app is no longer blocked")
	case block.Fresh:
		l.log.Warn().Str(fields.State, string(f.Kind)).Str("error", f.Reason).Dur("pause_ms", block.Left).Msg("the app is blocked")
	}
	if block.Left > 0 {
		l.pauseQueues(ctx, block.Left)
	}
	return block.Left
}

// share reports a finding to the other workers. The task is not acknowledged meanwhile.
func (l *lane) share(ctx context.Context, f tasks.Finding) (tasks.Block, error) {
	ctx, cancel := context.WithTimeout(ctx, shareTime)
	defer cancel()
	return l.app.Pacer.Report(ctx, f)
}

// giveBack returns the share of recipients whom WeCom refused by name while others got the message. A refusal
// of the whole call is a finding of its own. The members of "@all" were not counted by name, and an update
// counts for nobody.
func (l *lane) giveBack(ctx context.Context, d *delivery, r tasks.Recipients) {
	refused := tasks.AdmissionRequest{
		Users: slices.Concat(r.Invalid, r.Unlicensed), Groups: len(r.InvalidParties) + len(r.InvalidTags),
	}
	if d.update != nil || d.admission.Number == 0 || len(refused.Users)+refused.Groups == 0 || d.common().Recipients().All() {
		return
	}
	l.note(ctx, tasks.Finding{Kind: tasks.Refund, Request: refused, Admission: d.admission})
}
