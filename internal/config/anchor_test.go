package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnchorsAndAliases(t *testing.T) {
	t.Parallel()
	const yaml = `
x-timeout: &timeout 7s
x-everywhere: &everywhere
  corp_id: ww1
  timeout: *timeout
  limits: &limits {calls_per_minute: 100}
apps:
  ops: &ops
    <<: *everywhere
    agent_id: &id 1000002
    secret: &secret hunter2
  alerts:
    agent_id: 1000003
    timeout: 9s
    <<: *ops
  bulk:
    <<: [{concurrency: 3}, *ops, {timeout: 1s, proxy: "http://p:1"}]
    limits: {<<: *limits, seats: 5}
    agent_id: 1000004
gateway:
  tokens:
    - &token
      name: a
      sha256: &sum 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
      apps: &apps [ops, alerts]
      scopes: [&scope send]
    - {name: b, sha256: 1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef, apps: *apps, scopes: [*scope]}
`
	cfg, err := load(t, yaml, nil)
	if err != nil {
		t.Fatal(err)
	}
	type app struct {
		corp, agent, secret string
		timeout             time.Duration
		calls, concurrency  int
	}
	got := map[string]app{}
	for name, a := range cfg.Apps {
		got[name] = app{corp: a.CorpID, agent: a.AgentID, secret: string(a.Secret), timeout: a.Timeout, calls: a.Limits.CallsPerMinute, concurrency: a.Concurrency}
	}
	want := map[string]app{
		"ops":    {corp: "ww1", agent: "1000002", secret: "hunter2", timeout: 7 * time.Second, calls: 100, concurrency: 16},
		"alerts": {corp: "ww1", agent: "1000003", secret: "hunter2", timeout: 9 * time.Second, calls: 100, concurrency: 16},
		"bulk":   {corp: "ww1", agent: "1000004", secret: "hunter2", timeout: 7 * time.Second, calls: 100, concurrency: 3},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(app{})); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	if proxy := cfg.Apps["bulk"].Proxy; proxy != "http://p:1" {
		t.Errorf("the last mapping of the list lent %q", proxy)
	}
	for i, token := range cfg.Gateway.Tokens {
		if diff := cmp.Diff([]string{"ops", "alerts"}, token.Apps); diff != "" {
			t.Errorf("apps of token %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestAliasesThatLeadNowhere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ line, want string }{
		"no anchor":          {"timeout: *none", "wecomq.yaml:6: no anchor &none before the alias *none"},
		"its own":            {"limits: &l {<<: *l}", "wecomq.yaml:6: no anchor &l before the alias *l"},
		"a merge of a value": {"<<: 1", "wecomq.yaml:2: apps.ops: want a mapping of keys to values"},
		"an unknown key":     {"<<: {timeuot: 1s}", "wecomq.yaml:6: apps.ops.timeuot: unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := load(t, app+"    "+tc.line+"\n", nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Load = %v\nwant   %s", err, tc.want)
			}
		})
	}
}

// Each line expands to ten of the one before.
func TestAliasesDoNotExplode(t *testing.T) {
	t.Parallel()
	yaml := "x-a0: &a0 {k: v}\n"
	for i := range 9 {
		alias := "*a" + string(rune('0'+i))
		yaml += "x-a" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.Repeat(alias+", ", 9) + alias + "]\n"
	}
	if _, err := load(t, yaml+minimal+"    limits: *a9\n", nil); err == nil || !strings.Contains(err.Error(), "apps.ops.limits: want a mapping") {
		t.Errorf("Load = %v", err)
	}
}
