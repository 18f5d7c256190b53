package daemon

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/durability"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/wecom"
)

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		version string
		want    Level
	}{
		"the oldest that will do":               {"6.2.0", "ok"},
		"a newer one":                           {"7.0.15", "ok"},
		"two digits":                            {"10.0.1", "ok"},
		"Valkey, by the number it calls itself": {"7.2.4", "ok"},
		"a version without a patch":             {"6.2", "ok"},
		"one release too old":                   {"6.1.9", "error"},
		"far too old":                           {"5.9.9", "error"},
		"nothing":                               {"", "error"},
		"not a number":                          {"unstable", "error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := checkVersion(tt.version).Level; got != tt.want {
				t.Errorf("checkVersion(%q) is %s, want %s", tt.version, got, tt.want)
			}
		})
	}
}

func TestCheckNamesAHostWhoseClockIsWrong(t *testing.T) {
	t.Parallel()
	server, clock := redistest.StartWithClock(t)
	d := &Deployment{rdb: server.Client()}
	if findings := d.checkClock(t.Context()); len(findings) > 0 {
		t.Errorf("the clock is right: %v", findings)
	}
	clock.Set(time.Minute)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	findings := d.checkClock(t.Context())
	if len(findings) != 1 || findings[0].Level != Warning || !strings.Contains(findings[0].Text, host+" is 1m0s behind") {
		t.Errorf("%v, want a warning that names %s", findings, host)
	}
}

func TestCheckAsksForAReplicaThatFollows(t *testing.T) {
	t.Parallel()
	primary, _, _ := redistest.StartReplicated(t)
	m := master{client: primary.Client(), keys: []string{"a"}}
	warned := func() bool {
		return slices.ContainsFunc(m.check(t.Context()), func(f Finding) bool {
			return f.Level == Warning && strings.Contains(f.Text, "min-replicas-to-write is 0")
		})
	}
	if !warned() {
		t.Error("no warning of a primary that goes on without its replicas")
	}
	if err := primary.Client().ConfigSet(t.Context(), "min-replicas-to-write", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if warned() {
		t.Error("a warning though min-replicas-to-write is 1")
	}
	alone := redistest.Start(t).Client()
	durability.Require(alone)
	if err := m.test(t.Context(), alone, "redis://"); err == nil || !strings.Contains(err.Error(), "no replica has confirmed") {
		t.Errorf("durability: replica without a replica: %v", err)
	}
}

func TestCheckJudgesAnAgent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		agent *wecom.Agent
		err   error
		level Level
		want  string
	}{
		"that may send":         {agent: &wecom.Agent{Name: "告警", Users: 3, Tags: 1}, level: OK, want: `"告警" may send to 3 members, 0 departments and 1 tags`},
		"that is disabled":      {agent: &wecom.Agent{Name: "告警", Users: 3, Disabled: true}, level: Fault, want: "is disabled"},
		"whom nobody sees":      {agent: &wecom.Agent{Name: "告警"}, level: Warning, want: "may send to nobody"},
		"of another secret":     {err: &wecom.Error{API: "agent/get", Code: 301002}, level: Fault, want: "301002"},
		"behind a bridge":       {err: &wecom.CallError{API: "agent/get", Status: 404, Err: wecom.Code(-1)}, level: Warning, want: "not proven"},
		"that nobody can reach": {err: &wecom.CallError{API: "agent/get", Err: os.ErrDeadlineExceeded}, level: Fault, want: "agent/get: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if level, text := judgeAgent(tc.agent, tc.err); level != tc.level || !strings.Contains(text, tc.want) {
				t.Errorf("%s: %s; want %s: …%s", level, text, tc.level, tc.want)
			}
		})
	}
}
