package activity_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/wecomq/wecomq/internal/activity"
	"github.com/wecomq/wecomq/internal/logtest"
	"github.com/wecomq/wecomq/internal/redistest"
)

// withoutTime leaves out when it was: that is Redis's.
var withoutTime = cmpopts.IgnoreFields(activity.Act{}, "At")

func TestTheTrailKeepsWhoDidWhat(t *testing.T) {
	t.Parallel()
	var log logtest.Transcript
	trail := activity.New(redistest.New(t), zerolog.New(&log))
	someone := trail.By(t.Context(), activity.Actor{Via: activity.Gateway, From: "192.0.2.1"})
	activity.Record(someone, activity.Login, "", "", errors.New("no such token"))
	ops := activity.Named(someone, "ops")
	activity.Record(ops, activity.Login, "", "", nil)
	activity.Record(ops, activity.PauseApp, "alerts", "", nil)
	cli := trail.By(t.Context(), activity.Actor{Name: "root@host", Via: activity.Command})
	activity.Record(cli, activity.RecallMessage, "alerts", "alerts-1", errors.New("too old"))
	activity.Record(cli, activity.PauseBroadcast, "news", "news-B1", nil)

	failed := activity.Act{Via: "gateway", From: "192.0.2.1", Action: activity.Login, Error: "no such token"}
	login := activity.Act{Actor: "ops", Via: "gateway", From: "192.0.2.1", Action: activity.Login}
	pause := activity.Act{Actor: "ops", Via: "gateway", From: "192.0.2.1", Action: activity.PauseApp, App: "alerts"}
	recall := activity.Act{Actor: "root@host", Via: "cli", Action: activity.RecallMessage, App: "alerts", Target: "alerts-1", Error: "too old"}
	broadcast := activity.Act{Actor: "root@host", Via: "cli", Action: activity.PauseBroadcast, App: "news", Target: "news-B1"}
	for name, tc := range map[string]struct {
		query activity.Query
		limit int
		want  []activity.Act
	}{
		"all, newest first":    {activity.Query{}, 10, []activity.Act{broadcast, recall, pause, login, failed}},
		"as many as asked for": {activity.Query{}, 2, []activity.Act{broadcast, recall}},
		"of an app":            {activity.Query{App: "alerts"}, 10, []activity.Act{recall, pause}},
		"of an actor":          {activity.Query{Actor: "root@host"}, 10, []activity.Act{broadcast, recall}},
		"of an action":         {activity.Query{Action: activity.Login}, 10, []activity.Act{login, failed}},
		"of a kind of action":  {activity.Query{Action: "app"}, 10, []activity.Act{pause}},
		"of what may be seen":  {activity.Query{Visible: func(app string) bool { return app == "news" }}, 10, []activity.Act{broadcast}},
		"since a time":         {activity.Query{Since: time.Now().Add(time.Hour)}, 10, nil},
	} {
		got, err := trail.Newest(t.Context(), tc.query, tc.limit)
		if diff := cmp.Diff(tc.want, got, withoutTime); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
	if lines := strings.Count(log.String(), `"message":"activity"`); lines != 3 {
		t.Errorf("%d lines in the log, want one for each act but those of commands:\n%s", lines, &log)
	}
}

func TestWhatNobodyAskedForIsNotRecorded(t *testing.T) {
	t.Parallel()
	trail := activity.New(redistest.New(t), zerolog.Nop())
	activity.Record(t.Context(), activity.PauseApp, "ops", "", nil)
	activity.Record(activity.Named(t.Context(), "ops"), activity.PauseApp, "ops", "", nil)
	if acts, err := trail.Newest(t.Context(), activity.Query{}, 10); err != nil || len(acts) > 0 {
		t.Errorf("%v, %v; want none", acts, err)
	}
}

func TestAnActIsRecordedAlthoughItsClientHasGone(t *testing.T) {
	t.Parallel()
	trail := activity.New(redistest.New(t), zerolog.Nop())
	gone, cancel := context.WithCancel(trail.By(t.Context(), activity.Actor{Name: "ops"}))
	cancel()
	activity.Record(gone, activity.RecallMessage, "ops", strings.Repeat("长", 1000), nil)
	acts, err := trail.Newest(t.Context(), activity.Query{}, 10)
	if err != nil || len(acts) != 1 || len(acts[0].Target) > 300 {
		t.Errorf("%v, %v; want one act, cut", acts, err)
	}
}

func TestFollowingTellsOfEachActOnce(t *testing.T) {
	t.Parallel()
	trail := activity.New(redistest.New(t), zerolog.Nop())
	ctx, cancel := context.WithCancel(trail.By(t.Context(), activity.Actor{Name: "ops"}))
	defer cancel()
	activity.Record(ctx, activity.PauseApp, "ops", "before", nil)
	const acts = 5
	said := 0
	activity.Record(ctx, activity.PauseApp, "ops", "0", nil)
	for act, err := range trail.Follow(ctx, activity.Query{Since: time.Now().Add(-time.Hour)}) {
		if err != nil {
			t.Fatal(err)
		}
		if act.Target == "before" {
			continue
		}
		if want := strconv.Itoa(said); act.Target != want {
			t.Fatalf("act %q, want %q", act.Target, want)
		}
		if said++; said == acts {
			break
		}
		activity.Record(ctx, activity.PauseApp, "ops", strconv.Itoa(said), nil)
	}
}

func TestAnActionIsKnown(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{"app.pause": true, "app": true, "broadcast": true, "login": true, "app.": false, "pause": false, "": false} {
		if _, err := activity.ParseAction(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}
