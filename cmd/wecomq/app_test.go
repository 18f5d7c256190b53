package main

import (
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/apps"
)

func TestTheStateOfAnAppSaysWhenTheNextTryIs(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]time.Duration{
		"penalty, next try now":       -time.Minute,
		"penalty, next try in 10s":    10 * time.Second,
		"penalty, next try in 5m":     5 * time.Minute,
		"penalty, next try in 5m30s":  5*time.Minute + 30*time.Second,
		"penalty, next try in 10h0m":  10 * time.Hour,
		"penalty, next try in 2h0m9s": 2*time.Hour + 9*time.Second,
	} {
		until := time.Now().Add(in + 100*time.Millisecond)
		if got := stateText(apps.Status{State: "penalty", Until: until}); got != want {
			t.Errorf("in %s: %q, want %q", in, got, want)
		}
	}
	if got := stateText(apps.Status{State: "running"}); got != "running" {
		t.Errorf("an app that nothing stops: %q", got)
	}
}

func TestAnAppThatIsSlowSaysHowToMakeItFast(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status apps.Status
		want   string
	}{
		"at full speed":       {apps.Status{Rate: apps.Rate{Configured: 600, Effective: 600}}, ""},
		"slowed down":         {apps.Status{App: "ops", Rate: apps.Rate{Configured: 600, Effective: 166}}, "166 of 600 calls a minute after 45009; it recovers by itself, or at once by 'wecomq app resume --reset-rate ops'"},
		"a reason goes first": {apps.Status{Reason: "60020", Rate: apps.Rate{Configured: 600, Effective: 166}}, "60020"},
	} {
		if got := reasonText(tc.status); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestTheQuotaIsShownWithItsLimit(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]apps.Quota{"7": {Used: 7}, "7/3000": {Used: 7, Limit: 3000}} {
		if got := quotaText(q); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
