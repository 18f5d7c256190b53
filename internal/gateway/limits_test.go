package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/tasks"
)

// limited is a bundle whose token "sender" has limits.
func limited(t *testing.T, limits budget.Limits) *bundle {
	t.Helper()
	return newBundle(t, func(cfg *gateway.Config) {
		cfg.Settings.Tokens = slices.Clone(cfg.Settings.Tokens)
		for i := range cfg.Settings.Tokens {
			if cfg.Settings.Tokens[i].Name == "sender" {
				cfg.Settings.Tokens[i].Limits = limits
			}
		}
	})
}

// limitAnswer is the part of a response about a limit.
type limitAnswer struct {
	Name     string `json:"name"`
	Max      int    `json:"max"`
	Left     int    `json:"left"`
	ResetsIn int    `json:"resets_in"`
}

// limitOf is the limit that a problem names.
func limitOf(t *testing.T, a answer) limitAnswer {
	t.Helper()
	return decoded[struct {
		Limit limitAnswer `json:"limit"`
	}](t, a.body).Limit
}

func TestATokenOverItsLimitIsToldWhichAndForHowLong(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{RecipientsPerDay: 3})
	two := strings.Replace(textBody, "zhangsan", "zhangsan|lisi", 1)
	if a := b.do("POST", "/v1/messages", two, as(senderToken)); a.status != http.StatusAccepted {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	a := b.do("POST", "/v1/messages", two, as(senderToken))
	p, l := b.problem(a), limitOf(t, a)
	if a.status != http.StatusTooManyRequests || l.Name != "recipients_per_day" || l.Max != 3 || l.Left != 1 {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
	if l.ResetsIn <= 0 || l.ResetsIn > int((24*time.Hour).Seconds()) || a.header.Get("Retry-After") != strconv.Itoa(l.ResetsIn) {
		t.Errorf("Retry-After %q: %s", a.header.Get("Retry-After"), a.body)
	}
	if !strings.Contains(p.Detail, `token "sender" may reach 3 recipients a day (recipients_per_day): 1 left, and this needs 2; all again in `) {
		t.Errorf("detail %q", p.Detail)
	}
	if a := b.do("POST", "/v1/messages", two, as(recallerToken)); a.status != http.StatusAccepted {
		t.Errorf("another token: HTTP %d %s", a.status, a.body)
	}
	if a := b.do("POST", "/v1/messages", textBody, as(senderToken)); a.status != http.StatusAccepted {
		t.Errorf("one for which there is room: HTTP %d %s", a.status, a.body)
	}
}

func TestMessagesAMinute(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{PerMinute: 1})
	refused := 0
	for range 3 { // a minute may end in between
		if a := b.do("POST", "/v1/messages", textBody, as(senderToken)); a.status == http.StatusTooManyRequests {
			refused++
			if l := limitOf(t, a); l.Name != "per_minute" || l.ResetsIn <= 0 || l.ResetsIn > 60 {
				t.Errorf("%s", a.body)
			}
		}
	}
	if refused == 0 {
		t.Error("three messages were taken, want one a minute")
	}
}

func TestALineOverTheLimitFailsAlone(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{RecipientsPerDay: 3, MaxRecipients: 2})
	to := func(users string) string { return strings.Replace(textBody, "zhangsan", users, 1) }
	lines := b.batch("", strings.Join([]string{to("a|b"), to("c|d"), to("e|f|g"), to("h"), to("")}, "\n"), as(senderToken), "Idempotency-Key: n")
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprint(l.Line, " ", l.Status, " ", l.Limit.Name))
	}
	same(t, "lines", got, []string{"1 0 ", "2 429 recipients_per_day", "3 403 ", "4 0 ", "5 422 "})
	again := b.batch("", to("a|b")+"\n"+to("c|d"), as(senderToken), "Idempotency-Key: n")
	if !again[0].Duplicate || again[0].ID != lines[0].ID || again[1].Status != http.StatusTooManyRequests {
		t.Errorf("the same again: %+v", again)
	}
}

func TestAClientOfWeComIsToldAsWeComWould(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{RecipientsPerDay: 2, MaxRecipients: 2, NotToAll: true, Priorities: []tasks.Priority{tasks.Default, tasks.Bulk}})
	access := b.accessToken(senderToken)
	body := func(to string) string {
		return `{"touser":"` + to + `","msgtype":"text","agentid":1000002,"text":{"content":"hello"}}`
	}
	for _, step := range []struct {
		name, prefix, to string
		code             int64
		text             string
	}{
		{name: "everyone", to: "@all", code: 301002, text: "to_all"},
		{name: "too many", to: "a|b|c", code: 301002, text: "max_recipients"},
		{name: "a priority", prefix: "/critical", to: "a", code: 301002, text: "may only use default, bulk"},
		{name: "two", prefix: "/bulk", to: "a|b", text: "ok"},
		{name: "one more", to: "c", code: 45009, text: "recipients_per_day"},
	} {
		got := b.wecomDo("POST", step.prefix+"/cgi-bin/message/send?access_token="+access, body(step.to))
		if got.ErrCode != step.code || !strings.Contains(got.ErrMsg, step.text) {
			t.Errorf("%s: %+v", step.name, got)
		}
	}
}

func TestWhatATokenMayNotSendNamesTheField(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{MaxRecipients: 2, NotToAll: true, Priorities: []tasks.Priority{tasks.Bulk}})
	for name, tc := range map[string]struct {
		path, body, field string
	}{
		"everyone":                {"/v1/messages", `{"priority":"bulk","touser":"@all","msgtype":"text","text":{"content":"x"}}`, "body.touser"},
		"too many":                {"/v1/messages", `{"priority":"bulk","touser":"a|b","toparty":"1","msgtype":"text","text":{"content":"x"}}`, "body.touser"},
		"a priority":              {"/v1/messages", `{"priority":"critical","touser":"a","msgtype":"text","text":{"content":"x"}}`, "body.priority"},
		"the default priority":    {"/v1/messages", textBody, "body.priority"},
		"a broadcast to too many": {"/v1/broadcasts", `{"text":"x","recipients":["a","b","c"],"test_to":"a"}`, "body.recipients"}, // no test message
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", tc.path, tc.body, as(senderToken))
			if p := b.problem(a); a.status != http.StatusForbidden || !slices.Equal(p.locations(), []string{tc.field}) {
				t.Errorf("HTTP %d %s", a.status, a.body)
			}
		})
	}
}

func TestABroadcastUsesTheBudgetOnce(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{RecipientsPerDay: 5})
	order := `{"text":"x","recipients":["a","b","c"],"rate":1}`
	first := b.ordered(order)
	if again := b.ordered(order); again.ID != first.ID {
		t.Errorf("the repeat is %s, want %s", again.ID, first.ID)
	}
	refused := `{"text":"y","recipients":["a","b","c"]}`
	a := b.do("POST", "/v1/broadcasts", refused, as(senderToken))
	if l := limitOf(t, a); a.status != http.StatusTooManyRequests || l.Left != 2 {
		t.Errorf("a second one: HTTP %d %s", a.status, a.body)
	}
	for _, listed := range decoded[struct {
		Broadcasts []struct{ ID string }
	}](t, b.do("GET", "/v1/broadcasts", "", as(readerToken)).body).Broadcasts {
		if listed.ID != first.ID {
			t.Errorf("%s is listed, though it was refused", listed.ID)
		}
	}
	if a := b.do("POST", "/v1/broadcasts", `{"text":"y","recipients":["a","b"]}`, as(senderToken)); a.status != http.StatusAccepted {
		t.Errorf("one for which there is room: HTTP %d %s", a.status, a.body)
	}
}

func TestATestMessageUsesTheBudget(t *testing.T) {
	t.Parallel()
	b := limited(t, budget.Limits{RecipientsPerDay: 3, Priorities: []tasks.Priority{tasks.Bulk}})
	b.work()
	b.ordered(`{"text":"x","recipients":["a"],"test_to":"zhangsan"}`)
	a := b.do("POST", "/v1/broadcasts", `{"text":"y","recipients":["a","b"]}`, as(senderToken))
	if l := limitOf(t, a); a.status != http.StatusTooManyRequests || l.Left != 1 {
		t.Errorf("HTTP %d %s", a.status, a.body)
	}
}
