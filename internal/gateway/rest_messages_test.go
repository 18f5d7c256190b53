package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// with prepends members to those of textBody.
func with(members string) string { return strings.Replace(textBody, "{", "{"+members+",", 1) }

func TestSendAcceptsWhatIsInRedis(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	later := time.Now().Add(time.Hour).Format(time.RFC3339)
	tests := map[string]struct {
		body     string
		state    tasks.State
		priority tasks.Priority
	}{
		"a message":                          {textBody, tasks.Queued, tasks.Default},
		"one for now, with an app":           {with(`"app":"ops","priority":"critical","expires_in":"1h"`), tasks.Queued, tasks.Critical},
		"one for later":                      {with(`"process_at":"` + later + `","priority":"bulk"`), tasks.Scheduled, tasks.Bulk},
		"the agentid of the app":             {with(`"agentid":1000002`), tasks.Queued, tasks.Default},
		"members of ours that are null":      {with(`"priority":null,"process_at":null,"expires_in":null,"idempotency_key":null,"app":null`), tasks.Queued, tasks.Default},
		"more recipients than one call has":  {strings.Replace(textBody, "zhangsan", strings.Repeat("u|", 10)+manyUsers(1500), 1), tasks.Queued, tasks.Default},
		"a body that says it is a form":      {textBody, tasks.Queued, tasks.Default},
		"blanks around, as an editor leaves": {"\n " + textBody + "\n\n", tasks.Queued, tasks.Default},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", "/v1/messages", tt.body, as(senderToken), "Content-Type: application/x-www-form-urlencoded")
			receipt := decoded[gateway.Receipt](t, a.body)
			if a.status != http.StatusAccepted || receipt.State != tt.state || receipt.Duplicate {
				t.Fatalf("%d %s", a.status, a.body)
			}
			payload := b.stored(receipt.ID)
			same(t, "priority", payload.Priority, tt.priority)
			record := decoded[tasks.Record](t, b.do("GET", "/v1/messages/"+receipt.ID, "", as(readerToken)).body)
			same(t, "state", record.State, tt.state)
		})
	}
}

func manyUsers(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("user%d", i)
	}
	return strings.Join(ids, "|")
}

func TestSendNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	tests := map[string]struct {
		body      string
		status    int
		locations []string
	}{
		"no JSON":                  {body: `{"touser`, status: 400},
		"nothing":                  {body: ``, status: 400},
		"an array":                 {body: `[]`, status: 400},
		"null":                     {body: `null`, status: 400},
		"no UTF-8":                 {body: strings.Replace(textBody, "hello", "\xff", 1), status: 400},
		"too large":                {body: strings.Replace(textBody, "hello", strings.Repeat("x", message.MaxBodyBytes), 1), status: 413},
		"an unknown member":        {body: with(`"prioritty":"bulk"`), status: 422, locations: []string{"body.prioritty"}},
		"nobody":                   {body: strings.Replace(textBody, "zhangsan", "", 1), status: 422, locations: []string{"body.touser"}},
		"a text that is too long":  {body: strings.Replace(textBody, "hello", strings.Repeat("汉", 700), 1), status: 422, locations: []string{"body.text.content"}},
		"another agent":            {body: with(`"agentid":"1000003"`), status: 422, locations: []string{"body.agentid"}},
		"all of ours wrong":        {body: with(`"priority":"high","process_at":"tomorrow","expires_in":"-1h","idempotency_key":""`), status: 422, locations: []string{"body.priority", "body.process_at", "body.expires_in", "body.idempotency_key"}},
		"types of ours":            {body: with(`"priority":1,"process_at":2,"expires_in":3,"idempotency_key":4`), status: 422, locations: []string{"body.priority", "body.process_at", "body.expires_in", "body.idempotency_key"}},
		"ours and WeCom's at once": {body: `{"priority":"x","msgtype":"text","text":{"contents":"x"}}`, status: 422, locations: []string{"body.priority", "body.text.contents"}},
		"due after its end":        {body: with(`"process_at":"2999-01-01T00:00:00Z","expires_in":"1h"`), status: 422, locations: []string{"body.expires_at"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := b.problem(b.do("POST", "/v1/messages", tt.body, as(senderToken)))
			if p.Status != tt.status || len(p.Detail) > 2000 || p.RequestID == "" {
				t.Fatalf("%+v, want %d", p, tt.status)
			}
			if tt.locations == nil {
				tt.locations = []string{}
			}
			same(t, "fields", p.locations(), tt.locations)
		})
	}
}

func TestIdempotencyKeyOfHeaderAndBody(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	first := decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", textBody, as(senderToken), "Idempotency-Key: k 1").body)
	again := decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", with(`"idempotency_key":"k 1"`), as(senderToken)).body)
	same(t, "the repeat", again, gateway.Receipt{ID: first.ID, State: tasks.Queued, Duplicate: true})
	both := b.do("POST", "/v1/messages", with(`"idempotency_key":"k 1"`), as(senderToken), "Idempotency-Key: k 1")
	same(t, "the same key twice", both.status, http.StatusAccepted)
	for name, key := range map[string]string{"not ASCII": "schlüssel", "too long": strings.Repeat("k", 256)} {
		p := b.problem(b.do("POST", "/v1/messages", textBody, as(senderToken), "Idempotency-Key: "+key))
		same(t, name, p.locations(), []string{"body.idempotency_key"})
	}
	p := b.problem(b.do("POST", "/v1/messages", with(`"idempotency_key":"a"`), as(senderToken), "Idempotency-Key: b"))
	same(t, "two different keys", p.locations(), []string{"body.idempotency_key"})
}

func TestATokenTakesBackOnlyWhatItHasSent(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	text := func(by string) string {
		return decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", with(`"app":"ops"`), as(by)).body).ID
	}
	byCommand := b.Send("ops", message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Text: message.TextField{Content: "x"},
	}, tasks.Options{Actor: "root@db-1"}).ID
	access := b.accessToken(senderToken)
	for name, tc := range map[string]struct {
		id, token string
		allowed   bool
	}{
		"its own":                        {text(senderToken), senderToken, true},
		"another's":                      {text(rootToken), senderToken, false},
		"of the command line":            {byCommand, senderToken, false},
		"another's, with the scope":      {text(senderToken), recallerToken, true},
		"another's, as an administrator": {text(senderToken), rootToken, true},
	} {
		got := b.do("DELETE", "/v1/messages/"+tc.id, "", as(tc.token))
		want := http.StatusForbidden
		if tc.allowed {
			want = http.StatusOK
		} else {
			same(t, name+", recalled", b.do("POST", "/v1/messages/"+tc.id+"/recall", "", as(tc.token)).status, http.StatusForbidden)
			same(t, name+", recalled as at WeCom", b.call("message/recall", access, `{"msgid":"`+tc.id+`"}`).ErrCode, 301002)
			same(t, name+", afterwards", must(b.FinderOf("ops").Message(t.Context(), tc.id)).State, tasks.Queued)
		}
		if got.status != want {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, want)
		}
		if tc.token == senderToken && tc.allowed && decoded[tasks.Record](t, got.body).Actor != "sender" {
			t.Errorf("%s: its record does not say who sent it: %s", name, got.body)
		}
	}
	record := decoded[tasks.Record](t, b.do("GET", "/v1/messages/"+text(senderToken), "", as(rootToken)).body)
	same(t, "who sent it", record.Actor, "sender")
}

func TestAKeyIsForOneMessageOfAToken(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	other := strings.Replace(textBody, "hello", "bye", 1)
	first := decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", textBody, as(senderToken), "Idempotency-Key: k").body)
	p := b.problem(b.do("POST", "/v1/messages", other, as(senderToken), "Idempotency-Key: k"))
	same(t, "another message", p.Status, http.StatusUnprocessableEntity)
	same(t, "what is wrong", p.locations(), []string{"body.idempotency_key"})
	if !strings.Contains(p.Detail, first.ID) {
		t.Errorf("it does not name %s: %s", first.ID, p.Detail)
	}
	theirs := decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", with(`"app":"ops"`), as(rootToken), "Idempotency-Key: k").body)
	if theirs.Duplicate || theirs.ID == first.ID {
		t.Errorf("the key of another token: %+v", theirs)
	}
	lines := b.batch("", textBody+"\n"+other, as(senderToken), "Idempotency-Key: lines")
	same(t, "the first line", lines[0].Status, 0)
	lines = b.batch("", textBody+"\n"+textBody, as(senderToken), "Idempotency-Key: lines")
	if !lines[0].Duplicate || lines[1].Status != http.StatusUnprocessableEntity || !strings.Contains(lines[1].Error, "idempotency_key") {
		t.Errorf("the batch sent again with another second line: %+v", lines)
	}
}

func TestWhenRedisIsAwayClientsAreToldToComeAgain(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBundleOn(t, server.URL())
	waittest.Until(t, "it is ready", func() bool { return b.do("GET", "/readyz", "").status == http.StatusOK })
	server.Kill()
	var group sync.WaitGroup
	for name, call := range map[string][4]string{
		"send":  {"POST", "/v1/messages", textBody, senderToken},
		"batch": {"POST", "/v1/messages:batch", textBody, senderToken},
		"show":  {"GET", "/v1/messages/ops-01JD5K3V8N0000000000000000", "", readerToken},
	} {
		group.Go(func() {
			a := b.do(call[0], call[1], call[2], as(call[3]))
			p := b.problem(a)
			if p.Status != 503 || a.header.Get("Retry-After") == "" || strings.Contains(a.body, server.Addr) {
				t.Errorf("%s: %d, Retry-After %q: %s", name, a.status, a.header.Get("Retry-After"), a.body)
			}
		})
	}
	group.Wait()
	same(t, "ready", b.do("GET", "/-/ready", "").status, 503)
	same(t, "healthy", b.do("GET", "/-/healthy", "").status, 200)
	if !strings.Contains(b.log.String(), server.Addr) {
		t.Error("the log does not say what is wrong")
	}
}

func TestMessagesThatNobodyKnows(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for _, id := range []string{"x", "ops-1", "ops-01JD5K3V8N0000000000000000", "..%2f..", strings.Repeat("a", 100)} {
		p := b.problem(b.do("GET", "/v1/messages/"+id, "", as(readerToken)))
		same(t, id, p.Status, http.StatusNotFound)
	}
}

// operator has the services that may be missing.
type operator struct{ state tasks.State }

func (o operator) Cancel(_ context.Context, app, id string) (tasks.Record, error) {
	if o.state.Final() {
		return tasks.Record{}, fmt.Errorf("%w: %s is %s", gateway.ErrConflict, id, o.state)
	}
	return tasks.Record{ID: id, App: app, State: tasks.Cancelled}, nil
}

func (o operator) Replay(_ context.Context, _, id string) ([]gateway.Replay, error) {
	return []gateway.Replay{{ID: id, ReplayedAs: id, Recipients: 2}}, nil
}

func (operator) Apps(context.Context) ([]gateway.AppStatus, error) {
	return []gateway.AppStatus{{App: "hr", State: "running"}, {App: "ops", State: "paused", Reason: "by hand"}}, nil
}

func TestProblemsAreInTheLanguageOfTheClient(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	const inChinese = "Accept-Language: zh-CN,zh;q=0.9"
	for _, path := range []string{"/v1/messages/ops-1?lang=zh", "/v1/messages?state=sent&lang=zh"} {
		if a := b.do("GET", path, "", as(readerToken)); !isHan(a.body) || strings.Contains(a.body, "unknown query parameter") {
			t.Errorf("GET %s: %s", path, a.body)
		}
	}
	for name, ask := range map[string]func(language string) answer{
		"of the gateway":      func(l string) answer { return b.do("GET", "/v1/messages/ops-1", "", as(readerToken), l) },
		"of no token":         func(l string) answer { return b.do("GET", "/v1/apps", "", l) },
		"of a route":          func(l string) answer { return b.do("GET", "/v1/nowhere", "", l) },
		"of a parameter":      func(l string) answer { return b.do("GET", "/v1/messages?limit=x", "", as(readerToken), l) },
		"of a method":         func(l string) answer { return b.do("PUT", "/v1/messages", "", as(readerToken), l) },
		"of a body that ends": func(l string) answer { return b.do("POST", "/v1/messages", "{", as(senderToken), l) },
	} {
		english, chinese := ask("X-None: "), ask(inChinese)
		same(t, name+": status", chinese.status, english.status)
		if isHan(english.body) || !isHan(decoded[struct{ Title string }](t, chinese.body).Title) {
			t.Errorf("%s: %s in English, %s in Chinese", name, english.body, chinese.body)
		}
	}
}

func isHan(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func TestOperationsOnAMessage(t *testing.T) {
	t.Parallel()
	const id = "ops-01JD5K3V8N0000000000000000"
	waiting := newBundle(t, func(cfg *gateway.Config) {
		o := operator{tasks.Queued}
		cfg.Services.Canceller, cfg.Services.Replayer, cfg.Services.Apps = o, o, o
	})
	done := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Canceller = operator{tasks.Accepted} })
	bare := newBundle(t, func(cfg *gateway.Config) {
		cfg.Services = gateway.Services{Queue: cfg.Services.Queue, Records: cfg.Services.Records}
	})
	tests := map[string]struct {
		b                   *bundle
		method, path, token string
		status              int
		contains            string
	}{
		"cancelled":                            {b: waiting, method: "DELETE", path: "/v1/messages/" + id, token: recallerToken, status: 200, contains: `"state":"cancelled"`},
		"too late to cancel":                   {b: done, method: "DELETE", path: "/v1/messages/" + id, token: recallerToken, status: 409, contains: "is accepted"},
		"replayed":                             {b: waiting, method: "POST", path: "/v1/messages/" + id + "/replay", token: rootToken, status: 202, contains: `{"replays":[{"id":"` + id},
		"replaying for another app":            {b: waiting, method: "POST", path: "/v1/messages/nope-01JD5K3V8N0000000000000000/replay", token: rootToken, status: 403, contains: "may not use the app"},
		"replaying is for admins":              {b: waiting, method: "POST", path: "/v1/messages/" + id + "/replay", token: senderToken, status: 403, contains: "admin"},
		"a recall of what nobody knows":        {b: waiting, method: "POST", path: "/v1/messages/" + id + "/recall", token: senderToken, status: 404, contains: "no such message"},
		"the apps of the token":                {b: waiting, method: "GET", path: "/v1/apps", token: readerToken, status: 200, contains: `{"apps":[{"app":"ops","state":"paused","reason":"by hand"`},
		"cancelling is not implemented":        {b: bare, method: "DELETE", path: "/v1/messages/" + id, token: senderToken, status: 501, contains: "not implemented"},
		"recalling is not implemented":         {b: bare, method: "POST", path: "/v1/messages/" + id + "/recall", token: senderToken, status: 501, contains: "not implemented"},
		"replaying is not implemented":         {b: bare, method: "POST", path: "/v1/messages/" + id + "/replay", token: rootToken, status: 501, contains: "not implemented"},
		"the state of apps is not implemented": {b: bare, method: "GET", path: "/v1/apps", token: readerToken, status: 501, contains: "not implemented"},
		"broadcasts are not implemented":       {b: bare, method: "GET", path: "/v1/broadcasts", token: readerToken, status: 501, contains: "not implemented"},
		"nothing else is there":                {b: bare, method: "PUT", path: "/v1/message", token: senderToken, status: 404, contains: "GET /docs lists them all"},
		"another method is not allowed":        {b: bare, method: "PUT", path: "/v1/messages", token: senderToken, status: 405, contains: "method not allowed"},
		"outside of the API is nothing too":    {b: bare, method: "GET", path: "/admin", status: 404, contains: "404 page not found"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tt.b.do(tt.method, tt.path, "", as(tt.token))
			if a.status != tt.status || !strings.Contains(a.body, tt.contains) {
				t.Errorf("%d %s, want %d and %q", a.status, a.body, tt.status, tt.contains)
			}
		})
	}
}

func TestAFaultOfOursIsToldToTheLogOnly(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Canceller = panicking{} })
	a := b.do("DELETE", "/v1/messages/ops-01JD5K3V8N0000000000000000", "", as(rootToken), "X-Request-Id: my-request")
	p := b.problem(a)
	if p.Status != 500 || strings.Contains(a.body, "secret reason") || p.RequestID != "my-request" {
		t.Errorf("%s", a.body)
	}
	if log := b.log.String(); !strings.Contains(log, "secret reason") || !strings.Contains(log, `"request_id":"my-request"`) {
		t.Error("the log does not tell it")
	}
}

type panicking struct{}

func (panicking) Cancel(context.Context, string, string) (tasks.Record, error) {
	panic("secret reason")
}

func TestAMessageHasOnlySoManyMembers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	tests := map[string]struct {
		extra string
		want  int
	}{
		"as many as are allowed":           {strings.Repeat(`,"x":[{"a":1,"b":2}]`, 61), http.StatusUnprocessableEntity},
		"one too many":                     {strings.Repeat(`,"x":1`, 62), http.StatusBadRequest},
		"any number inside and in strings": {`,"x":{` + strings.Repeat(`"a":1,`, 100) + `"b":"` + strings.Repeat(`\":`, 100) + `"}`, http.StatusUnprocessableEntity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", "/v1/messages", `{"touser":"a","msgtype":"text","text":{"content":"x"}`+tt.extra+`}`, as(senderToken))
			if a.status != tt.want {
				t.Errorf("HTTP %d, want %d: %s", a.status, tt.want, a.body)
			}
		})
	}
}
