package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// lineAnswer is a line of the response to a batch.
type lineAnswer struct {
	Line      int         `json:"line"`
	ID        string      `json:"id"`
	State     string      `json:"state"`
	Duplicate bool        `json:"duplicate"`
	Status    int         `json:"status"`
	Error     string      `json:"error"`
	Limit     limitAnswer `json:"limit"`
}

func (b *bundle) batch(query, body string, headers ...string) []lineAnswer {
	b.Helper()
	a := b.do("POST", "/v1/messages:batch"+query, body, headers...)
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/x-ndjson" {
		b.Fatalf("%d %s: %s", a.status, a.header.Get("Content-Type"), a.body)
	}
	var lines []lineAnswer
	for text := range strings.Lines(a.body) {
		lines = append(lines, decoded[lineAnswer](b.T, text))
	}
	return lines
}

func TestBatchAnswersEachLineInOrder(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	long := strings.Replace(textBody, "hello", strings.Repeat("x", message.MaxBodyBytes), 1)
	lines := b.batch("?app=ops&priority=bulk", strings.Join([]string{
		"\ufeff" + textBody, "", "nonsense", with(`"app":"hr","priority":"critical"`), with(`"app":"nope"`), long,
		strings.Replace(textBody, "zhangsan", "", 1), "\r", textBody + "\r", textBody,
	}, "\n"), as(rootToken))
	var got []string
	for _, l := range lines {
		app, _, _ := strings.Cut(l.ID, "-")
		got = append(got, fmt.Sprint(l.Line, " ", l.Status, " ", app))
	}
	same(t, "lines", got, []string{"1 0 ops", "3 400 ", "4 0 hr", "5 403 ", "6 413 ", "7 422 ", "9 0 ops", "10 0 ops"})
	same(t, "the query's priority", b.stored(lines[0].ID).Priority, "bulk")
	same(t, "the line's own priority", b.stored(lines[2].ID).Priority, "critical")
}

func TestBatchRefusesWhatConcernsAllLines(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, tt := range map[string]struct {
		query, body, key string
		status           int
	}{
		"no line":          {status: 400},
		"only blank lines": {body: "\n \r\n\n", status: 400},
		"a wrong priority": {query: "?priority=high", body: textBody, status: 422},
		"a wrong key":      {body: textBody, key: "schlüssel", status: 422},
	} {
		p := b.problem(b.do("POST", "/v1/messages:batch"+tt.query, tt.body, as(senderToken), "Idempotency-Key: "+tt.key))
		same(t, name, p.Status, tt.status)
	}
}

func TestABatchWithAKeyCanBeSentAgain(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	body := strings.Join([]string{textBody, with(`"idempotency_key":"own"`), textBody}, "\n")
	first := b.batch("", body, as(senderToken), "Idempotency-Key: nightly")
	again := b.batch("", body, as(senderToken), "Idempotency-Key: nightly")
	for i := range first {
		first[i].Duplicate = true
	}
	same(t, "the repeat", again, first)
	if first[0].ID == first[2].ID {
		t.Error("two lines have one id")
	}
}

// openBatch is a batch whose lines are written one by one.
type openBatch struct {
	*bundle

	in   *io.PipeWriter
	out  *bufio.Reader
	body io.Closer
}

func (b *bundle) openBatch() *openBatch {
	b.Helper()
	reader, writer := io.Pipe()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+"/v1/messages:batch", reader)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+senderToken)
	go func() { _, _ = io.WriteString(writer, textBody+"\n") }() // the header of the response comes with its first line
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = response.Body.Close() })
	return &openBatch{bundle: b, in: writer, out: bufio.NewReader(response.Body), body: response.Body}
}

// next is the next line of the response.
func (b *openBatch) next() lineAnswer {
	b.Helper()
	text, err := b.out.ReadString('\n')
	if err != nil {
		b.Fatalf("%v after %q", err, text)
	}
	return decoded[lineAnswer](b.T, text)
}

func TestABatchStreamsBothWays(t *testing.T) {
	t.Parallel()
	b := newBundle(t).openBatch()
	same(t, "the first line, while the body is open", b.next().Line, 1)
	for n := 2; n < 5; n++ {
		if _, err := io.WriteString(b.in, textBody+"\n"); err != nil {
			t.Fatal(err)
		}
		same(t, "a line before the next is sent", b.next().Line, n)
	}
	if err := b.in.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(b.out); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v after the last line", rest, err)
	}
}

func TestABatchEndsPolitelyWithTheProcess(t *testing.T) {
	t.Parallel()
	b := newBundle(t).openBatch()
	b.next()
	b.stop()
	last := b.next()
	if last.Line != 2 || last.Status != 503 || !strings.Contains(last.Error, "shutting down") {
		t.Errorf("%+v", last)
	}
	if rest, err := io.ReadAll(b.out); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v after the last line", rest, err)
	}
	same(t, "ready", b.do("GET", "/readyz", "").status, 503)
}

// fickle is a queue that is unavailable from its n-th call on.
type fickle struct {
	gateway.Queue

	left atomic.Int64
}

func (f *fickle) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	if f.left.Add(-1) >= 0 {
		return f.Queue.Enqueue(ctx, app, messages)
	}
	results := make([]tasks.Result, len(messages))
	for i := range results {
		results[i].Err = gateway.ErrUnavailable
	}
	return results
}

func TestEveryLineIsAnsweredWhenRedisGoesAway(t *testing.T) {
	t.Parallel()
	var queue *fickle
	b := newBundle(t, func(cfg *gateway.Config) {
		queue = &fickle{Queue: cfg.Services.Queue}
		queue.left.Store(1)
		cfg.Services.Queue = queue
	}).openBatch()
	same(t, "the line before", b.next().Status, 0)
	for n := 2; n < 5; n++ {
		if _, err := io.WriteString(b.in, textBody+"\n"); err != nil {
			t.Fatal(err)
		}
		same(t, "a line that Redis did not confirm", b.next(), lineAnswer{Line: n, Status: 503, Error: b.awayText()})
	}
	if err := b.in.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(b.out); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v after the last line", rest, err)
	}
	same(t, "attempts", queue.left.Load(), -1)
	same(t, "what the log says of it", strings.Count(b.log.String(), `"message":"request failed"`), 1)
}

func TestEveryLineIsAnsweredWhenRedisStalls(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBundleOn(t, server.URL()).openBatch()
	same(t, "the line before", b.next().Status, 0)
	server.Freeze()
	t.Cleanup(server.Thaw)
	if _, err := io.WriteString(b.in, strings.Repeat(textBody+"\n", 3)); err != nil {
		t.Fatal(err)
	}
	if err := b.in.Close(); err != nil {
		t.Fatal(err)
	}
	for n := 2; n < 5; n++ {
		same(t, "a line that Redis did not confirm", b.next(), lineAnswer{Line: n, Status: 503, Error: b.awayText()})
	}
	if rest, err := io.ReadAll(b.out); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v after the last line", rest, err)
	}
}

// halved enqueues the messages of one app only.
type halved struct{ gateway.Queue }

func (h halved) Enqueue(ctx context.Context, app string, messages []tasks.Message) []tasks.Result {
	if app == "ops" {
		return h.Queue.Enqueue(ctx, app, messages)
	}
	return slices.Repeat([]tasks.Result{{Err: gateway.ErrUnavailable}}, len(messages))
}

func TestALineThatIsInRedisIsConfirmedThoughAnotherIsNot(t *testing.T) {
	t.Parallel()
	b := newBundle(t, func(cfg *gateway.Config) { cfg.Services.Queue = halved{cfg.Services.Queue} })
	lines := b.batch("", with(`"app":"hr"`)+"\n"+with(`"app":"ops"`), as(rootToken))
	same(t, "statuses", []int{lines[0].Status, lines[1].Status}, []int{503, 0})
	p := b.problem(b.do("POST", "/v1/messages:batch?app=hr", textBody, as(rootToken)))
	same(t, "a batch of which nothing is there", p.Status, http.StatusServiceUnavailable)
}

func (b *bundle) awayText() string {
	return "Redis did not confirm in time; try again. A message sent with an idempotency key will not be duplicated"
}

func TestALargeBatchGoesThrough(t *testing.T) { //nolint:paralleltest // it takes all of a machine
	b := newBundle(t)
	const n = 5000
	lines := b.batch("", strings.Repeat(textBody+"\n", n), as(senderToken))
	same(t, "lines", len(lines), n)
	for i, l := range lines {
		if l.Line != i+1 || l.Status != 0 || l.State != "queued" {
			t.Fatalf("%+v", l)
		}
	}
	depth, err := b.rdb.LLen(t.Context(), "asynq:{ops:default}:pending").Result()
	if err != nil || depth != n {
		t.Errorf("%d in the queue, %v", depth, err)
	}
}

func TestABodyInAnotherFormIsRefused(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	for name, tt := range map[string]struct{ path, header, detail string }{
		"a form of files":   {"/v1/messages:batch", "Content-Type: multipart/form-data; boundary=x", "curl --data-binary"},
		"compressed":        {"/v1/messages", "Content-Encoding: gzip", "send it without"},
		"XML":               {"/v1/messages", "Content-Type: text/xml; charset=utf-8", `"text/xml; charset=utf-8"; send application/json`},
		"no type at all":    {"/v1/messages", "Content-Type: ;", "send application/json"},
		"a card, as a form": {"/v1/messages/ops-1/card", "Content-Type: multipart/form-data; boundary=x", "send application/json"},
		"a broadcast":       {"/v1/broadcasts", "Content-Type: text/csv", "send application/json or multipart/form-data"},
		"lines of CSV":      {"/v1/messages:batch", "Content-Type: text/csv", "send application/json or application/x-ndjson"},
	} {
		p := b.problem(b.do("POST", tt.path, textBody, as(senderToken), tt.header))
		if p.Status != http.StatusUnsupportedMediaType || !strings.Contains(p.Detail, tt.detail) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	for _, kind := range []string{"application/json; charset=utf-8", "application/vnd.api+json", "text/plain;charset=UTF-8", "application/json; charset"} {
		same(t, kind, b.do("POST", "/v1/messages", textBody, as(senderToken), "Content-Type: "+kind).status, http.StatusAccepted)
	}
	same(t, "lines", b.do("POST", "/v1/messages:batch", textBody, as(senderToken), "Content-Type: application/x-ndjson").status, http.StatusOK)
}

// Windows puts a byte order mark at the beginning of files.
func TestAByteOrderMarkIsSkippedAtEveryDoor(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	const mark = "\ufeff"
	same(t, "a message", b.do("POST", "/v1/messages", mark+textBody, as(senderToken)).status, http.StatusAccepted)
	same(t, "a batch", decoded[struct{ Error string }](t, b.do("POST", "/v1/messages:batch", mark+textBody, as(senderToken)).body).Error, "")
	card := b.do("POST", "/v1/messages/ops-01JD5K3V8N0000000000000000/card", mark+`{"button":{"replace_name":"x"}}`, as(senderToken))
	same(t, "a card, which is not there", card.status, http.StatusNotFound)
	order := b.do("POST", "/v1/broadcasts?dry_run=true", mark+`{"app":"ops","text":"x","recipients":["a"]}`, as(senderToken), "Content-Type: application/json")
	same(t, "a broadcast", order.status, http.StatusOK)
	same(t, "a recall", b.call("message/recall", b.accessToken(senderToken), mark+`{"msgid":"ops-01JD5K3V8N0000000000000000"}`).ErrMsg != "", true)
}
