package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/budget"
	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// asForm is the header of a form.
const asForm = "Content-Type: application/x-www-form-urlencoded"

// pushed is the response to a push.
type pushed struct {
	gateway.Receipt

	Cut bool `json:"cut"`
}

// push pushes a message, and expects it to be accepted.
func (b *bundle) push(method, query, form string, headers ...string) pushed {
	b.Helper()
	a := b.do(method, "/push?"+query, form, headers...)
	if a.status != http.StatusAccepted || a.header.Get("Content-Type") != "application/json" {
		b.Fatalf("HTTP %d %s", a.status, a.body)
	}
	return decoded[pushed](b.T, a.body)
}

func TestAPushIsATextMessage(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.work()
	bearer := as(senderToken)
	for _, tc := range []struct{ method, query, form, header, touser, text string }{
		{method: "GET", query: "title=Backup+failed&content=no+space&to_user=zhangsan", header: bearer, touser: "zhangsan", text: "Backup failed\nno space"},
		{method: "GET", query: "content=from+the+query&to_user=zhangsan|lisi&token=" + senderToken, touser: "zhangsan|lisi", text: "from the query"},
		{method: "POST", form: "title=Backup&to_user=zhangsan,lisi", header: bearer, touser: "zhangsan|lisi", text: "Backup"},
		{method: "POST", query: "title=old&to_user=zhangsan", form: "title=new&token=" + senderToken, touser: "zhangsan", text: "new"},
		{method: "POST", query: "app=ops&to_user=zhangsan&to_user=lisi&token=" + rootToken, form: "content=%E7%A3%81%E7%9B%98%0A%E6%BB%A1%0A", touser: "zhangsan|lisi", text: "磁盘\n满"},
		{method: "POST", query: "to_user=@all&content=all", header: bearer, touser: "@all", text: "all"},
	} {
		headers := []string{asForm}
		if tc.header != "" {
			headers = append(headers, tc.header)
		}
		receipt := b.push(tc.method, tc.query, tc.form, headers...)
		if receipt.State != tasks.Queued || receipt.Duplicate || receipt.Cut {
			t.Errorf("%s %s: %+v", tc.method, tc.query, receipt)
		}
		waittest.Until(t, "it is sent", func() bool { return b.ended(receipt.ID) })
		sent := b.sim.Messages()
		got := sent[len(sent)-1].Body
		body := decoded[struct {
			ToUser string            `json:"touser"`
			Text   message.TextField `json:"text"`
		}](t, got)
		if body.ToUser != tc.touser || body.Text.Content != tc.text {
			t.Errorf("%s %s: WeCom got %s", tc.method, tc.query, got)
		}
	}
}

func TestAPushThatIsTooLongIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	form := url.Values{"to_user": {"zhangsan"}, "title": {"df -h"}, "content": {strings.Repeat("磁盘 ", 1000)}}.Encode()
	if receipt := b.push("POST", "", form, asForm, as(senderToken)); !receipt.Cut || receipt.ID == "" {
		t.Errorf("answer %+v", receipt)
	}
}

func TestWhatNoPushIs(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	const good = "content=a&to_user=zhangsan"
	form := func(size int) string { return "token=" + senderToken + "&content=" + strings.Repeat("x", size) }
	for _, tc := range []struct {
		method, query, form, header string
		status                      int
		says                        string
	}{
		{method: "GET", query: good, status: 401, says: "Authorization: Bearer TOKEN"},
		{method: "GET", query: good + "&token=wrong", status: 401, says: "unauthorized"},
		{method: "GET", query: good, header: as(readerToken), status: 403, says: `lacks the scope \"send\"`},
		{method: "GET", query: good + "&app=hr", header: as(senderToken), status: 403, says: `may not use the app \"hr\"`},
		{method: "GET", query: good, header: as(rootToken), status: 422, says: `"location":"body.app"`},
		{method: "GET", query: "content=a", header: as(senderToken), status: 422, says: `"location":"body.to_user"`},
		{method: "GET", query: "to_user=zhangsan&title=+&content=%0A", header: as(senderToken), status: 422, says: `"location":"body.content"`},
		{method: "GET", query: "content=a&to_user=%E5%BC%A0%E4%B8%89", header: as(senderToken), status: 422, says: `"location":"body.to_user"`},
		{method: "GET", query: "content=a&to_party=ops", header: as(senderToken), status: 422, says: `"location":"body.to_party"`},
		{method: "GET", query: "to_user=zhangsan&content=%B4%C5", header: as(senderToken), status: 422, says: "not UTF-8"},
		{method: "GET", query: "to_user=zhangsan&content=100%", header: as(senderToken), status: 400, says: "invalid URL escape"},
		{method: "HEAD", query: good, header: as(senderToken), status: 405},
		{method: "PUT", query: good, header: as(senderToken), status: 405, says: "push by GET or POST"},
		{method: "POST", query: good, form: "{}", header: "Content-Type: application/json", status: 415, says: "post JSON to /v1/messages"},
		{method: "POST", query: good + "&token=" + senderToken, form: "{}", header: "Content-Type: application/json", status: 415, says: "post JSON to /v1/messages"},
		{method: "POST", query: "to_user=zhangsan", form: form(1024), header: asForm, status: 413, says: "with the token in the header Authorization it may have 65536"},
		{method: "POST", query: "to_user=zhangsan&token=" + senderToken, form: form(64 << 10), header: asForm, status: 413, says: "over 65536 bytes"},
		{method: "POST", form: "to_user=zhangsan&content=a", header: asForm, status: 401, says: "Authorization: Bearer TOKEN"},
	} {
		headers := []string{tc.header}
		if tc.header == "" {
			headers = nil
		}
		a := b.do(tc.method, "/push?"+tc.query, tc.form, headers...)
		if a.status != tc.status || !strings.Contains(a.body, tc.says) {
			t.Errorf("%s %s: HTTP %d %s\nwant %d %s", tc.method, tc.query, a.status, a.body, tc.status, tc.says)
		}
		if tc.method != "HEAD" {
			b.problem(a)
		}
		if tc.status == 405 && a.header.Get("Allow") != "GET, POST" {
			t.Errorf("Allow: %q", a.header.Get("Allow"))
		}
	}
	for _, header := range []string{"Sec-Purpose: prefetch;prerender", "Purpose: prefetch", "X-Purpose: preview", "X-Moz: prefetch"} {
		if a := b.do("GET", "/push?"+good, "", as(senderToken), header); a.status != http.StatusForbidden || !strings.Contains(a.body, "sends nothing") {
			t.Errorf("%s: HTTP %d %s", header, a.status, a.body)
		}
	}
	if keys := redistest.Keys(t, b.rdb, "asynq:*:t:*"); len(keys) != 0 {
		t.Errorf("messages were queued: %v", keys)
	}
}

func TestThePriorityAndTheLimitsOfATokenHoldForPushes(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) {
		own := cfg.Settings.Tokens[1]
		own.Priority, own.Limits = tasks.Critical, budget.Limits{RecipientsPerDay: 2, NotToAll: true}
		cfg.Settings.Tokens = []config.Token{own}
	})
	receipt := b.push("GET", "content=a&to_user=zhangsan,lisi", "", as(senderToken))
	if got := b.stored(receipt.ID).Priority; got != tasks.Critical {
		t.Errorf("priority %s", got)
	}
	for query, want := range map[string]int{"content=a&to_user=zhangsan": 429, "content=a&to_user=@all": 403} {
		if a := b.do("GET", "/push?"+query, "", as(senderToken)); a.status != want {
			t.Errorf("%s: HTTP %d %s, want %d", query, a.status, a.body, want)
		}
	}
}

func TestNoTokenOfAPushIsLogged(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	b.push("GET", "content=a&to_user=zhangsan&token="+senderToken, "")
	b.push("POST", "", "content=a&to_user=zhangsan&token="+senderToken, asForm)
	b.do("GET", "/push?content=a&token="+senderToken, "")
	b.do("GET", "/push?content=a&token="+senderToken+"%", "")
	b.do("GET", "/push?content=a&token=wrong-"+senderToken, "")
	if log := b.log.String(); !strings.Contains(log, `"path":"/push"`) || strings.Contains(log, senderToken) {
		t.Errorf("the log: %s", log)
	}
}

// Proxies repeat a GET after a broken connection.
func TestAPushWithoutAnAnswerIsRepeatedAsOneMessage(t *testing.T) {
	t.Parallel()
	b, q := lossy(t)
	q.lost = gateway.ErrUnavailable
	const query = "/push?content=a&to_user=zhangsan"
	if a := b.do("GET", query, "", as(senderToken)); a.status != http.StatusServiceUnavailable {
		t.Fatalf("HTTP %d %s", a.status, a.body)
	}
	q.lost = nil
	b.do("GET", query, "", as(senderToken))
	b.do("GET", query, "", as(senderToken)) // it was answered: another message
	if q.ids[0] != q.ids[1] || q.ids[1] == q.ids[2] {
		t.Errorf("ids %v", q.ids)
	}
}
