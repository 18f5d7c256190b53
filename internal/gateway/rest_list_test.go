package gateway_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/tasks"
)

// listAnswer is a response of GET /v1/messages.
type listAnswer struct {
	Messages []tasks.Record `json:"messages"`
	Next     string         `json:"next"`
}

func (b *bundle) list(query, token string) listAnswer {
	b.Helper()
	a := b.do("GET", "/v1/messages"+query, "", as(token))
	if a.status != http.StatusOK {
		b.Fatalf("%d %s", a.status, a.body)
	}
	return decoded[listAnswer](b.T, a.body)
}

// all lists everything, a page at a time.
func (b *bundle) all(query, token string) (ids []string) {
	b.Helper()
	ids = []string{}
	for cursor := ""; ; {
		page := b.list(query+"&cursor="+cursor, token)
		for _, message := range page.Messages {
			ids = append(ids, message.ID)
		}
		if cursor = page.Next; cursor == "" {
			return ids
		}
	}
}

func TestMessagesAreListedByWhatIsKnownOfThem(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	send := func(body, token, key string) string {
		return decoded[gateway.Receipt](t, b.do("POST", "/v1/messages", body, as(token), "Idempotency-Key: "+key).body).ID
	}
	mine := send(with(`"process_at":"2999-01-01T00:00:00Z"`), senderToken, "k")
	roots := send(with(`"app":"ops"`), rootToken, "k")
	other := send(with(`"app":"hr"`), rootToken, "x")
	same(t, "of all apps of the token", b.all("?limit=1", rootToken), []string{other, mine, roots})
	for query, want := range map[string][]string{
		"?limit=2":                      {mine, roots},
		"?app=ops":                      {mine, roots},
		"?state=scheduled":              {mine},
		"?state=queued,held":            {roots},
		"?state=rejected":               {},
		"?recipient=ZhangSan":           {mine, roots},
		"?recipient=lisi":               {},
		"?since=1h":                     {mine, roots},
		"?since=2999-01-01T00:00:00Z":   {},
		"?errcode=0":                    {mine, roots},
		"?errcode=81013":                {},
		"?msgid=none":                   {},
		"?idempotency_key=k":            {},
		"?idempotency_key=k&app=ops":    {},
		"?state=scheduled&recipient=no": {},
	} {
		same(t, query, b.all(query, readerToken), want)
	}
	same(t, "by one's own key", b.all("?idempotency_key=k", rootToken), []string{roots})

	b.work()
	waittest.Until(t, "the first is sent", func() bool { return b.ended(roots) })
	sent := send(textBody, senderToken, "sent")
	waittest.Until(t, "the next is sent", func() bool { return b.ended(sent) })
	record := b.list("?state=accepted", readerToken).Messages
	if len(record) != 2 || record[0].ID != sent || record[0].MsgID == "" {
		t.Fatalf("%+v", record)
	}
	same(t, "by msgid", b.all("?msgid="+url.QueryEscape(record[0].MsgID), readerToken), []string{sent})
}

func TestAListIsForThoseWhoMayRead(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, tt := range map[string]struct {
		query, token string
		status       int
		locations    []string
	}{
		"no token":            {status: 401, locations: []string{}},
		"one that sends only": {token: senderToken, status: 403, locations: []string{}},
		"another's app":       {query: "?app=hr", token: readerToken, status: 403, locations: []string{}},
		"no app":              {query: "?app=nope", token: rootToken, status: 403, locations: []string{}},
		"a wrong state":       {query: "?state=lost", token: readerToken, status: 422, locations: []string{"query.state[0]"}},
		"a wrong time":        {query: "?since=yesterday", token: readerToken, status: 422, locations: []string{"query.since"}},
		"a wrong cursor":      {query: "?cursor=x", token: readerToken, status: 422, locations: []string{"query.cursor"}},
		"a wrong errcode":     {query: "?errcode=x", token: readerToken, status: 422, locations: []string{"query.errcode"}},
		"too many":            {query: "?limit=101", token: readerToken, status: 422, locations: []string{"query.limit"}},
		"an unknown filter":   {query: "?status=rejected", token: readerToken, status: 422, locations: []string{"query.status"}},
	} {
		p := b.problem(b.do("GET", "/v1/messages"+tt.query, "", as(tt.token)))
		same(t, name, p.Status, tt.status)
		same(t, name, p.locations(), tt.locations)
	}
	b = newBundle(t, func(cfg *gateway.Config) { cfg.Services.Searcher = nil })
	same(t, "not there", b.do("GET", "/v1/messages", "", as(readerToken)).status, http.StatusNotImplemented)
}
