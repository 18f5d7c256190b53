package pacing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/pacing"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/tasks"
)

func (b *bundle) status() pacing.Status {
	b.Helper()
	s, err := b.Status(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bundle) report(f tasks.Finding) tasks.Block {
	b.Helper()
	block, err := b.Report(b.Context(), f)
	if err != nil {
		b.Fatal(err)
	}
	return block
}

func (b *bundle) penalize() tasks.Block {
	b.Helper()
	return b.report(tasks.Finding{Kind: tasks.RateLimited, Reason: "api freq out of limit"})
}

func (b *bundle) recover() bool {
	b.Helper()
	return b.report(tasks.Finding{Kind: tasks.Recovered}).Fresh
}

func TestAPenaltyGrowsWithEveryProbeThatMeetsIt(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	untilMidnight := 12*time.Hour - time.Hour - 2*time.Minute + 10*time.Second
	for i, want := range []time.Duration{time.Minute, time.Minute, time.Hour, untilMidnight, time.Minute, time.Hour} {
		if got := b.penalize(); !got.Fresh || got.Left != want {
			t.Fatalf("penalty %d: %+v, want %s", i+1, got, want)
		}
		if s := b.status(); s.State != pacing.Penalty || s.Reason != "api freq out of limit" || s.Left != want {
			t.Errorf("status %+v, want the penalty and its reason", s)
		}
		b.pass(time.Second)
		if got := b.penalize(); got.Fresh || got.Left != want-time.Second {
			t.Errorf("a call that was in flight: %+v, want the penalty to stay as it is", got)
		}
		if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Hold || a.Wait != want-time.Second || a.Reason != pacing.Penalty {
			t.Errorf("a message in penalty %d: %+v", i+1, a)
		}
		b.pass(want - time.Second)
		probe := b.admit(b.message(tasks.Default, "a"))
		if probe.Verdict != tasks.Go || !probe.Probe {
			t.Fatalf("the first message after penalty %d: %+v, want it to be the probe", i+1, probe)
		}
		if a := b.admit(b.message(tasks.Critical, "b")); a.Verdict != tasks.Wait {
			t.Errorf("another message beside the probe: %+v, want it to wait", a)
		}
	}
	if !b.recover() || b.status().State != pacing.Running {
		t.Errorf("after a probe that got through: %+v", b.status())
	}
	if got := b.penalize(); got.Left != time.Minute {
		t.Errorf("the next penalty: %+v, want a first one", got)
	}
}

func TestAProbeWithoutAnAnswerIsFollowedByAnother(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.penalize()
	b.pass(time.Minute)
	b.admit(b.message(tasks.Default, "a"))
	if b.report(tasks.Finding{Kind: tasks.Inconclusive}).Fresh {
		t.Error("a probe without an answer freed the app")
	}
	if a := b.admit(b.message(tasks.Default, "b")); !a.Probe {
		t.Errorf("the next: %+v, want it to be the probe", a)
	}
	b.pass(time.Minute) // its worker has died
	if a := b.admit(b.message(tasks.Default, "c")); !a.Probe {
		t.Errorf("the one after a probe that was lost: %+v, want it to be the probe", a)
	}
}

func TestTheRateLearns(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	b := newBundle(t, rdb, tasks.Limits{CallsPerMinute: 600, MemberPerMinute: 30, MemberPerHour: 1000})
	spacing := func() time.Duration {
		b.pass(time.Second) // what was used before no longer counts
		return b.admit(b.message(tasks.Default, fmt.Sprint("a", b.ids))).Spacing.Round(time.Millisecond)
	}
	if got := spacing(); got != 100*time.Millisecond {
		t.Fatalf("calls are %s apart, want 100 ms", got)
	}
	for range 2 {
		b.penalize()
		b.pass(time.Minute)
		b.admit(b.message(tasks.Default, "probe"))
		b.recover()
	}
	if got := spacing(); got < 149*time.Millisecond || got > 155*time.Millisecond {
		t.Errorf("after two penalties calls are %s apart, want 101 ms / 0.8² and a little growth", got)
	}
	b.pass(30 * time.Minute)
	if got := b.status().Rate; got < 0.80 || got > 0.83 {
		t.Errorf("half an hour later the rate is %v of the configured one, want what was refused the second time", got)
	}
	b.pass(30 * time.Minute)
	if got := b.status().Rate; got < 0.9 || got > 0.99 {
		t.Errorf("an hour later the rate is %v, want it to have risen beyond", got)
	}
	// The learnt rate is in Redis: another pacer continues with it.
	other := pacing.New(rdb, pacing.Config{App: b.app, Now: func() time.Time { return b.now }})
	if s, err := other.Status(t.Context()); err != nil || s.Rate != b.status().Rate {
		t.Errorf("another process sees %+v, %v", s, err)
	}
	b.pass(24 * time.Hour)
	if got := b.status().Rate; got != 1 {
		t.Errorf("a day later the rate is %v, want never more than the configured one", got)
	}
}

// pretend lets an app call at its maximum rate for a while. refuses reports whether WeCom answers 45009 at a
// share of the configured rate. It returns the number of refusals, and the mean rate.
func (b *bundle) pretend(lasts time.Duration, refuses func(rate float64) bool) (refused int, mean float64) {
	b.Helper()
	minutes := 0
	for end := b.now.Add(lasts); b.now.Before(end); minutes++ {
		rate := b.status().Rate
		if !refuses(rate) {
			mean += rate
			b.pass(time.Minute)
			continue
		}
		refused++
		b.penalize()
		b.pass(time.Minute)
		b.admit(b.message(tasks.Default, "probe"))
		b.recover()
	}
	return refused, mean / float64(minutes)
}

func TestStrayRefusalsAreSoonForgotten(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.pretend(6*time.Minute, func(float64) bool { return true })
	if got := b.status().Rate; got > 0.33 {
		t.Fatalf("after six refusals the rate is %v", got)
	}
	b.pass(80 * time.Minute)
	if got := b.status().Rate; got != 1 {
		t.Errorf("80 minutes after six refusals the rate is %v, want all of it", got)
	}
}

func TestALimitBelowTheConfiguredOneIsKeptTo(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	const limit = 0.5
	over := func(rate float64) bool { return rate > limit }
	b.pretend(2*time.Hour, over)
	refused, mean := b.pretend(10*time.Hour, over)
	if refused > 24 || mean < 0.9*limit || mean > limit {
		t.Errorf("%d refusals in 10 hours at %v of the configured rate; want one in about half an hour, and little less than %v", refused, mean, limit)
	}
}

func TestTheRateIsResetByHandOnly(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.penalize()
	b.report(tasks.Finding{Kind: tasks.TooManyInFlight})
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := b.status(); s.State != pacing.Running || s.Rate > 0.81 || s.Concurrency > 0.51 {
		t.Errorf("resumed: %+v, want it running at the rate that WeCom has not refused", s)
	}
	if err := b.ResetRate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := b.status(); s.Rate != 1 || s.Concurrency != 1 {
		t.Errorf("reset: %+v, want all of it", s)
	}
}

func TestConcurrencyHalvesOncePerSecondAndGrowsBack(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	crowded := func(want float64) {
		t.Helper()
		b.report(tasks.Finding{Kind: tasks.TooManyInFlight})
		if got := b.status().Concurrency; got < want-0.01 || got > want+0.01 {
			t.Errorf("concurrency %v, want %v", got, want)
		}
	}
	crowded(0.5)
	crowded(0.5) // it was in flight with the first
	b.pass(time.Second)
	crowded(0.25)
	if a := b.admit(b.message(tasks.Default, "a")); a.Concurrency > 0.26 {
		t.Errorf("admission %+v, want it to tell the concurrency", a)
	}
	b.pass(5 * time.Minute)
	if got := b.status().Concurrency; got != 1 {
		t.Errorf("5 minutes later it is %v, want all of it", got)
	}
}

func TestASuspensionAndAPauseHoldEverything(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.report(tasks.Finding{Kind: tasks.Misconfigured, BlockedFor: 5 * time.Minute, Reason: "60020: add the IP"})
	if s := b.status(); s.State != pacing.Suspended || s.Reason != "60020: add the IP" || s.Left != 5*time.Minute {
		t.Errorf("status %+v", s)
	}
	shorter := b.report(tasks.Finding{Kind: tasks.Misconfigured, BlockedFor: time.Minute, Reason: "shorter"})
	if shorter.Fresh || b.status().Left != 5*time.Minute {
		t.Errorf("a shorter suspension: %+v; want the longer one to stay", shorter)
	}
	if err := b.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Hold || a.Reason != pacing.Paused {
		t.Errorf("admission %+v, want it held by the pause", a)
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Go || b.status().State != pacing.Running {
		t.Errorf("after resume: %+v, status %+v", a, b.status())
	}
}

// BenchmarkAdmit measures the one round trip before each call.
func BenchmarkAdmit(b *testing.B) {
	for _, users := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			p := newBundle(b, redistest.New(b), tasks.Limits{CallsPerMinute: 1 << 40, MemberPerMinute: 1 << 20, MemberPerHour: 1 << 20})
			names := make([]string, users)
			for i := range names {
				names[i] = fmt.Sprintf("user%04d", i)
			}
			for b.Loop() {
				if a := p.admit(p.message(tasks.Default, names...)); a.Verdict != tasks.Go {
					b.Fatalf("admission %+v", a)
				}
				p.pass(time.Second)
			}
		})
	}
}

// unheard reports a call that WeCom did not answer.
func (b *bundle) unheard(kind tasks.FindingKind, request tasks.AdmissionRequest) tasks.Block {
	b.Helper()
	return b.report(tasks.Finding{Kind: kind, Reason: "message/send: nobody answers", Request: request})
}

func TestCallsWithoutAnAnswerBlockTheApp(t *testing.T) {
	t.Parallel()
	for kind, tc := range map[tasks.FindingKind]struct {
		calls  int
		blocks []time.Duration
	}{
		tasks.Unreachable: {calls: 3, blocks: []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}},
		tasks.Unanswered:  {calls: 5, blocks: []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, 30 * time.Second}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			b := newBundle(t, redistest.New(t), tasks.Limits{})
			other := b.message(tasks.Default, "other")
			other.Delivery = "other"
			for range tc.calls - 1 {
				if got := b.unheard(kind, other); got != (tasks.Block{}) {
					t.Fatalf("block %+v after fewer than %d calls", got, tc.calls)
				}
			}
			if got := b.unheard(kind, other); !got.Fresh || got.Left != tc.blocks[0] {
				t.Fatalf("block %+v, want one of %s", got, tc.blocks[0])
			}
			for i, want := range tc.blocks {
				if s := b.status(); s.State != pacing.Unavailable || s.Reason != "message/send: nobody answers" || s.Left != want {
					t.Errorf("status %+v, want block %d of %s", s, i+1, want)
				}
				if got := b.unheard(kind, other); got.Fresh || got.Left != want {
					t.Errorf("a call that was in flight: %+v, want the block to stay as it is", got)
				}
				if a := b.admit(b.message(tasks.Critical, "a")); a.Verdict != tasks.Hold || a.Reason != pacing.Unavailable {
					t.Errorf("a message meanwhile: %+v, want it held", a)
				}
				b.pass(want)
				probe := b.message(tasks.Default, "a")
				probe.Delivery = fmt.Sprint("probe", i)
				if a := b.admit(probe); a.Verdict != tasks.Go || !a.Probe {
					t.Fatalf("the first message after block %d: %+v, want it to be the probe", i+1, a)
				}
				if got := b.unheard(kind, other); got.Left != 0 {
					t.Errorf("another call beside the probe: %+v, want the probe to decide", got)
				}
				b.unheard(kind, probe)
			}
			b.pass(time.Minute)
			probe := b.message(tasks.Default, "a")
			b.admit(probe)
			if !b.report(tasks.Finding{Kind: tasks.Recovered, Request: probe}).Fresh || b.status().State != pacing.Running {
				t.Errorf("after a probe that was answered: %+v", b.status())
			}
			if a := b.admit(b.message(tasks.Default, "a")); a.Unanswered {
				t.Errorf("admission %+v, want the calls without an answer to be over", a)
			}
		})
	}
}

func TestAnAnswerEndsTheRowOfCallsWithoutOne(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	call := b.message(tasks.Default, "a")
	for range 10 {
		b.unheard(tasks.Unreachable, call)
		b.unheard(tasks.Unreachable, call)
		a := b.admit(b.message(tasks.Default, "a"))
		if a.Verdict != tasks.Go || !a.Unanswered {
			t.Fatalf("admission %+v, want it to go, and to ask for a report of its answer", a)
		}
		b.report(tasks.Finding{Kind: tasks.Answered})
	}
	for range 3 {
		b.unheard(tasks.Unreachable, call)
	}
	if s := b.status(); s.State != pacing.Unavailable {
		t.Fatalf("status %+v, want the app blocked", s)
	}
	if b.report(tasks.Finding{Kind: tasks.Answered}); b.status().State != pacing.Running {
		t.Errorf("status %+v, want the answer to a call in flight to end the block", b.status())
	}
}

func TestAGettokenWithoutAnAnswerBlocksTheAppUntilTheNext(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.report(tasks.Finding{Kind: tasks.Unreachable, Reason: "gettoken: no route", BlockedFor: 4 * time.Second})
	if s := b.status(); s.State != pacing.Unavailable || s.Left != 4*time.Second {
		t.Errorf("status %+v, want the app blocked for 4 s", s)
	}
}

func TestSilenceDoesNotHideWhyAnAppIsSuspended(t *testing.T) {
	t.Parallel()
	b := newBundle(t, redistest.New(t), tasks.Limits{})
	b.report(tasks.Finding{Kind: tasks.Misconfigured, BlockedFor: time.Minute, Reason: "60020: add the IP"})
	b.pass(time.Minute)
	probe := b.message(tasks.Default, "a")
	probe.Delivery = "probe"
	b.admit(probe)
	b.unheard(tasks.Unreachable, probe)
	if s := b.status(); s.State != pacing.Suspended || s.Reason != "60020: add the IP" || s.Left != 10*time.Second {
		t.Errorf("status %+v, want it suspended for the same reason, and tried again in 10 s", s)
	}
}
