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
