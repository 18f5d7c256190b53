package wecomtest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestAdminChangesRules(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{Seats: 5, Parties: map[string][]string{"1": {"a"}}})
	var rules wecomtest.Rules
	if code := b.admin(http.MethodPatch, "rules", `{"member_per_minute":7,"parties":{"2":["b"]},"block":"90s"}`, &rules); code != 200 {
		t.Fatalf("PATCH: HTTP %d", code)
	}
	want := b.Rules()
	if want.Seats != 5 || want.MemberPerMinute != 7 || want.Block != wecomtest.Duration(90*time.Second) || len(want.Parties) != 1 {
		t.Errorf("patched rules %+v", want)
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("answer of PATCH (-rules +answer):\n%s", diff)
	}
	b.admin(http.MethodGet, "rules", "", &rules)
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("GET (-rules +answer):\n%s", diff)
	}
	b.admin(http.MethodPut, "rules", `{"invisible":["x"]}`, nil)
	if got := b.Rules(); got.Seats != 0 || got.MemberPerMinute != 30 || len(got.Invisible) != 1 {
		t.Errorf("replaced rules %+v", got)
	}
}

func TestAdminRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"unknown rule in PUT":     {method: http.MethodPut, path: "rules", body: `{"member_per_minit":1}`, want: `unknown field "member_per_minit"`},
		"unknown rule in PATCH":   {method: http.MethodPatch, path: "rules", body: `{"member_per_minit":1}`, want: `unknown field "member_per_minit"`},
		"PATCH without an object": {method: http.MethodPatch, path: "rules", body: `[]`, want: "cannot unmarshal array"},
		"bad duration":            {method: http.MethodPut, path: "rules", body: `{"latency":"soon"}`, want: `write it like \"90s\"`},
		"bad rule":                {method: http.MethodPatch, path: "rules", body: `{"members":["["]}`, want: "members[0]"},
		"two values":              {method: http.MethodPut, path: "rules", body: `{} {}`, want: "trailing data after the first value"},
		"unknown key of a fault":  {method: http.MethodPost, path: "faults", body: `{"api":"*","resett":true}`, want: `unknown field "resett"`},
		"second fault bad":        {method: http.MethodPost, path: "faults", body: `[{"api":"*","reset":true},{"api":"x","reset":true}]`, want: `faults[1]: api is "x"`},
		"unknown parameter":       {method: http.MethodGet, path: "messages?form=1", want: `unknown parameter "form"`},
		"since not a number":      {method: http.MethodGet, path: "messages?since=now", want: `since: "now" is not a number`},
		"negative limit":          {method: http.MethodGet, path: "messages?limit=-1", want: `limit: "-1" is not a number`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, wecomtest.Rules{})
			before := b.Rules()
			var answer struct{ Error string }
			code := b.admin(tc.method, tc.path, tc.body, &answer)
			if want := strings.ReplaceAll(tc.want, `\"`, `"`); code != 400 || !strings.Contains(answer.Error, want) {
				t.Errorf("HTTP %d %q, want 400 %q", code, answer.Error, want)
			}
			if diff := cmp.Diff(before, b.Rules()); diff != "" || len(b.Faults()) != 0 {
				t.Errorf("something changed: %d faults, rules (-before +after):\n%s", len(b.Faults()), diff)
			}
		})
	}
}

func TestAdminScriptsFaults(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	b.admin(http.MethodPost, "faults", `{"api":"message/send","match":{"to_user":"b"},"errcode":45009,"times":1}`, nil)
	b.admin(http.MethodPost, "faults", `[{"api":"gettoken","delay":"1ns"},{"api":"message/recall","reset":true}]`, nil)
	b.wantCode(b.send(text("a", "x")), 0)
	b.wantCode(b.send(text("b", "x")), 45009)
	b.wantCode(b.send(text("b", "x")), 0)
	var faults []wecomtest.FaultStatus
	b.admin(http.MethodGet, "faults", "", &faults)
	if len(faults) != 3 || faults[0].Seen != 2 || faults[0].Fired != 1 || faults[2].Seen != 0 {
		t.Errorf("faults %+v", faults)
	}
	b.admin(http.MethodDelete, "faults", "", nil)
	if n := len(b.Faults()); n != 0 {
		t.Errorf("%d faults left", n)
	}
}

func TestAdminShowsAndForgetsMessages(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{MemberPerMinute: 1})
	bodies := []string{text("a", "<1>"), text("b", "2"), text("a|c", "3"), text("@all", "4")}
	for _, body := range bodies {
		b.wantCode(b.send(body), 0)
	}
	for query, want := range map[string][]int64{
		"":                   {1, 2, 3, 4},
		"?since=2":           {3, 4},
		"?since=9":           {},
		"?limit=2":           {1, 2},
		"?user=A":            {1, 3, 4}, // dropped, but meant for a
		"?user=b":            {2, 4},
		"?since=1&user=a":    {3, 4},
		"?user=a&limit=1":    {1},
		"?user=b&since=2":    {4},
		"?since=0&limit=100": {1, 2, 3, 4},
	} {
		var messages []wecomtest.Message
		b.admin(http.MethodGet, "messages"+query, "", &messages)
		got := []int64{}
		for _, m := range messages {
			got = append(got, m.Seq)
			if m.Body != bodies[m.Seq-1] {
				t.Errorf("body %q, want %q", m.Body, bodies[m.Seq-1])
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	b.admin(http.MethodDelete, "messages", "", nil)
	b.wantCode(b.send(text("d", "5")), 0)
	if messages := b.Messages(); len(messages) != 1 || messages[0].Seq != 5 {
		t.Errorf("%d messages left", len(messages))
	}
}

func TestAdminShowsStats(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{MemberPerMinute: 1, CallsPerMinute: 3})
	start := b.clock.Now()
	b.wantCode(b.send(checked("")), 0)
	b.wantCode(b.send(checked("")), 0) // suppressed
	b.clock.Advance(time.Second)
	b.wantCode(b.send(text("a", "x")), 0)     // dropped
	b.wantCode(b.send(text("a", "x")), 45009) // blocked
	var got wecomtest.Stats
	b.admin(http.MethodGet, "stats", "", &got)
	want := wecomtest.Stats{
		APIs: map[string]wecomtest.APIStats{
			"gettoken":     {Codes: map[wecom.Code]int64{0: 1}},
			"message/send": {Codes: map[wecom.Code]int64{0: 3, 45009: 1}},
		},
		TokensIssued: 1, Delivered: 1, Dropped: 1, Suppressed: 1,
		Apps: []wecomtest.AppStats{{
			CorpID: wecomtest.CorpID, AgentID: wecomtest.AgentID, Used: 2, MaxInFlight: 1,
			BlockedUntil: map[string]time.Time{"message/send": start.Add(61 * time.Second)},
		}},
		Rate: []wecomtest.SecondStats{{Second: start.Unix(), Calls: 3}, {Second: start.Unix() + 1, Calls: 2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	b.clock.Advance(2 * time.Minute)
	if got := b.Stats(); len(got.Rate) != 0 || len(got.Apps[0].BlockedUntil) != 0 {
		t.Errorf("two minutes later: %v, %v", got.Rate, got.Apps[0].BlockedUntil)
	}
}

func TestAdminExpiresTokens(t *testing.T) {
	t.Parallel()
	b := setup(t, wecomtest.Rules{})
	var answer map[string]bool
	if code := b.admin(http.MethodPost, "tokens:expire", "", &answer); code != 200 || !answer["ok"] {
		t.Fatalf("HTTP %d %v", code, answer)
	}
	b.wantCode(b.send(text("a", "x")), 42001)
}

func TestRulesAreValidated(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ rules, want string }{
		"no corp_id":              {`{"apps":[{"agent_id":1,"secret":"s"}]}`, "apps[0].corp_id is empty"},
		"no agent_id":             {`{"apps":[{"corp_id":"c","secret":"s"}]}`, "apps[0].agent_id is 0"},
		"no secret":               {`{"apps":[{"corp_id":"c","agent_id":1}]}`, "apps[0].secret is empty"},
		"an app twice":            {`{"apps":[{"corp_id":"c","agent_id":1,"secret":"s"},{"corp_id":"c","agent_id":1,"secret":"t"}]}`, "apps[1] repeats apps[0]"},
		"bad glob":                {`{"unlicensed":["a","[x"]}`, `unlicensed[1] is "[x"`},
		"empty userid":            {`{"invisible":[""]}`, `invisible[0] is ""`},
		"party that is no number": {`{"parties":{"ops":["a"]}}`, `parties: id "ops" is not a number`},
		"glob in a tag":           {`{"tags":{"1":["a*"]}}`, `tags["1"][0]: userid "a*"`},
		"token_ttl too short":     {`{"token_ttl":"1ms"}`, "token_ttl is 1ms: at least 1s"},
		"negative jitter":         {`{"jitter":"-1s"}`, "jitter is -1s"},
		"negative token_uses":     {`{"token_uses":-1}`, "token_uses is -1"},
		"negative keep":           {`{"keep":-1}`, "keep is -1"},
		"bad media type":          {`{"media":{"m":"gif"}}`, `media["m"] is "gif"`},
		"two faults at once":      {`{"keep":-1,"jitter":"-1s"}`, "jitter is -1s: it cannot be negative\nkeep is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rules wecomtest.Rules
			if err := json.Unmarshal([]byte(tc.rules), &rules); err != nil {
				t.Fatal(err)
			}
			if _, err := wecomtest.New(rules); err == nil || !strings.Contains(err.Error(), "rules: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// FuzzAdmin: no rules and no faults break the simulator.
func FuzzAdmin(f *testing.F) {
	for _, body := range []string{
		"", "null", "[]", "{}", `{"apps":[]}`, `{"member_per_minute":-1,"users":{"a":"unlicensed"}}`,
		`[{"api":"message/send","errcode":45009,"times":1}]`, `{"api":"message/send","delay":"1h","after":true}`, `{"seed":1e400}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		sim := quiet(t, wecomtest.Rules{})
		ask := func(method, path, body string) *httptest.ResponseRecorder {
			rec := httptest.NewRecorder()
			request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
			request.Host = "127.0.0.1"
			sim.ServeHTTP(rec, request)
			return rec
		}
		for _, to := range [][2]string{{"PUT", "/admin/rules"}, {"PATCH", "/admin/rules"}, {"POST", "/admin/faults"}} {
			if rec := ask(to[0], to[1], body); rec.Code >= http.StatusInternalServerError {
				t.Errorf("%s %s: HTTP %d %s", to[0], to[1], rec.Code, rec.Body)
			}
		}
		for _, path := range []string{"/admin/rules", "/admin/faults", "/admin/messages", "/admin/stats"} {
			if rec := ask("GET", path, ""); rec.Code != http.StatusOK || !json.Valid(rec.Body.Bytes()) {
				t.Errorf("%s: HTTP %d %s", path, rec.Code, rec.Body)
			}
		}
	})
}
